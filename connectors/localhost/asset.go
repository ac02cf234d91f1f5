package localhost

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

// asset is the record of the stream "asset". A member without a value is one
// that the machine does not tell.
type asset struct {
	ID           string          `json:"id"`
	Name         string          `json:"name,omitempty"`
	Hostname     string          `json:"hostname,omitempty"`
	SerialNumber string          `json:"serial_number,omitempty"`
	Manufacturer string          `json:"manufacturer,omitempty"`
	Model        string          `json:"model,omitempty"`
	AssetType    string          `json:"asset_type,omitempty"`
	OS           operatingSystem `json:"os,omitzero"`
	CPU          string          `json:"cpu,omitempty"`
	MemoryMB     int64           `json:"memory_mb,omitempty"`
	StorageGB    int64           `json:"storage_gb,omitempty"`
	MACAddresses []string        `json:"mac_addresses,omitzero"`
	IPAddresses  []string        `json:"ip_addresses,omitzero"`
	LastSeen     string          `json:"last_seen"`
	Applications []application   `json:"applications,omitzero"`
}

type operatingSystem struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Build   string `json:"build,omitempty"`
}

func (m *machine) asset(ctx context.Context, withSoftware bool) (asset, error) {
	hostname := m.hostname()
	serial, err := m.serialNumber()
	if err != nil {
		m.log.InfoContext(ctx, "the serial number cannot be read; the machine is known by another id", "error", err)
	}
	id := m.id(serial, hostname)
	if id == "" {
		return asset{}, &connector.Error{
			Class:   connector.ErrNotFound,
			Op:      "identify this machine",
			Message: "it has no serial number, no machine id and no host name",
			Remedy:  "set a host name, or create /etc/machine-id with systemd-machine-id-setup",
		}
	}
	cpu, firmware := m.cpu(), m.firmware()
	a := asset{
		ID:           id,
		Name:         m.name(hostname),
		Hostname:     hostname,
		SerialNumber: serial,
		Manufacturer: meaningful(firmware.maker),
		Model:        meaningful(firmware.product),
		AssetType:    assetType(firmware, cpu),
		OS:           m.operatingSystem(),
		CPU:          cpu.model,
		MemoryMB:     m.memoryMB(),
		StorageGB:    m.storageGB(),
		MACAddresses: m.macAddresses(),
		IPAddresses:  m.ipAddresses(),
		LastSeen:     m.now().UTC().Format(time.RFC3339),
	}
	if !withSoftware {
		return a, nil
	}
	apps, unknown, err := m.software(ctx)
	if err != nil {
		return asset{}, err
	}
	if unknown != "" {
		m.log.WarnContext(ctx, "the installed software is left out of the record", "reason", unknown)
		return a, nil
	}
	a.Applications = apps
	return a, nil
}

// id returns what the machine is known by: the serial number, else a hash of
// the machine id, else the host name, else "".
func (m *machine) id(serial, hostname string) string {
	switch machineID := m.machineID(); {
	case serial != "":
		return serial
	case machineID != "":
		return "machine-" + machineID
	case hostname != "":
		return "host-" + hostname
	}
	return ""
}

// machineID returns a hash of the machine id, or "". The id itself is
// confidential and must not leave the machine; machine-id(5) asks for a keyed
// hash with it as the key.
func (m *machine) machineID() string {
	id := strings.ToLower(m.text("etc/machine-id", "var/lib/dbus/machine-id"))
	key, err := hex.DecodeString(id)
	if err != nil || len(key) != 16 || strings.Trim(id, "0") == "" {
		return "" // such as "uninitialized", which stands in system images
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("vendorsync/localhost"))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// name returns the name a person gave the machine, see machine-info(5), else
// the host name.
func (m *machine) name(hostname string) string {
	if pretty := assignments(m.text("etc/machine-info"))["PRETTY_HOSTNAME"]; pretty != "" {
		return pretty
	}
	return hostname
}

func (m *machine) operatingSystem() operatingSystem {
	release := assignments(m.text("etc/os-release", "usr/lib/os-release"))
	version := release["VERSION_ID"]
	if version == "" {
		version = release["BUILD_ID"] // rolling distributions have no version
	}
	return operatingSystem{
		Name:    release["NAME"],
		Version: version,
		Build:   m.text("proc/sys/kernel/osrelease"),
	}
}

// serialNumber returns the serial number, or "" if the maker set none. An error
// means that there may be one, which could not be read.
func (m *machine) serialNumber() (string, error) {
	var unread error
	for _, name := range []string{"product_serial", "chassis_serial"} {
		text, err := m.read(dmi + name)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				unread = errors.Join(unread, err)
			}
			continue
		}
		if serial := meaningful(text); serial != "" {
			return serial, nil
		}
	}
	return "", unread
}
