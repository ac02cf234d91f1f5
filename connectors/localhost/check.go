package localhost

import (
	"context"
	"errors"
	"io/fs"

	"github.com/vendorsync/vendorsync/connector"
)

// Check tries to read what the streams need.
func (s *source) Check(ctx context.Context) (connector.Report, error) {
	if err := ctx.Err(); err != nil {
		return connector.Report{}, connector.Errorf(connector.ErrUnavailable, "check this machine", "%w", err)
	}
	m := s.machine
	return connector.Report{Permissions: []connector.PermissionStatus{
		m.checkSerial(),
		m.checkPackages(ctx, s.settings.Bool(softwareSetting)),
		m.checkPasswd(),
	}}, nil
}

func (m *machine) checkSerial() connector.PermissionStatus {
	status := connector.PermissionStatus{Name: readSerial, Stream: AssetStream}
	_, err := m.serialNumber()
	switch {
	case errors.Is(err, fs.ErrPermission):
		status.Grant = connector.Missing
		status.Detail = "only root may read it; the machine is known by its machine id or host name, and will be another once the serial number can be read"
	case err != nil:
		status.Grant, status.Detail = connector.Unknown, err.Error()
	case !m.exists(dmi + "product_serial"):
		status.Grant, status.Detail = connector.Unknown, "the firmware of this machine tells no serial number"
	default:
		status.Grant = connector.Granted
	}
	return status
}

func (m *machine) checkPackages(ctx context.Context, wanted bool) connector.PermissionStatus {
	if !wanted {
		return connector.PermissionStatus{Name: readPackages, Stream: AssetStream, Grant: connector.Unknown, Detail: "not tried: the setting " + softwareSetting + " is false"}
	}
	_, unknown, err := m.software(ctx)
	status := granted(readPackages, AssetStream, err)
	if unknown != "" {
		status.Grant, status.Detail = connector.Unknown, unknown
	}
	return status
}

func (m *machine) checkPasswd() connector.PermissionStatus {
	_, _, err := m.people(true)
	return granted(readAccounts, PeopleStream, err)
}

// granted returns the state of a permission whose use ended with err.
func granted(name, stream string, err error) connector.PermissionStatus {
	status := connector.PermissionStatus{Name: name, Stream: stream, Grant: connector.Granted}
	switch {
	case err == nil:
	case errors.Is(err, connector.ErrPermission):
		status.Grant, status.Detail = connector.Missing, err.Error()
	default:
		status.Grant, status.Detail = connector.Unknown, err.Error()
	}
	return status
}
