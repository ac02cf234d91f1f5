package localhost

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// networkInterface is one interface and its addresses.
type networkInterface struct {
	name      string
	addresses []netip.Addr
}

// systemInterfaces returns the interfaces of the running machine that are up.
func systemInterfaces() ([]networkInterface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var found []networkInterface
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list addresses of %s: %w", i.Name, err)
		}
		ni := networkInterface{name: i.Name}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				ni.addresses = append(ni.addresses, p.Addr())
			}
		}
		found = append(found, ni)
	}
	return found, nil
}

// plumbing is how the names of interfaces begin that containers and virtual
// machines on this machine are connected with. Their addresses mean nothing
// outside.
var plumbing = []string{"br-", "cali", "cilium", "cni", "docker", "dummy", "flannel", "ifb", "kube-", "lxc", "lxdbr", "nerdctl", "podman", "veth", "virbr", "vnet"}

func isPlumbing(name string) bool {
	return slices.ContainsFunc(plumbing, func(begin string) bool { return strings.HasPrefix(name, begin) })
}

// macAddresses returns the addresses of the network cards, sorted, or nil if
// they are not known.
func (m *machine) macAddresses() []string {
	const class = "sys/class/net/"
	entries, err := fs.ReadDir(m.files, strings.TrimSuffix(class, "/"))
	if err != nil {
		return nil
	}
	found := []string{}
	for _, e := range entries {
		// Only a card has a device: bridges, tunnels and the loopback do not.
		if isPlumbing(e.Name()) || !m.exists(class+e.Name()+"/device") {
			continue
		}
		mac, err := net.ParseMAC(m.text(class + e.Name() + "/address"))
		if err != nil || len(mac) != 6 || slices.Equal(mac, make([]byte, 6)) {
			continue
		}
		found = append(found, mac.String())
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// ipAddresses returns the addresses that others may reach the machine at, the
// private ones included, sorted, or nil if they are not known. Temporary IPv6
// addresses are left out: they change by the day and identify nothing.
func (m *machine) ipAddresses() []string {
	if m.interfaces == nil {
		return nil
	}
	interfaces, err := m.interfaces()
	if err != nil {
		m.log.Warn("the IP addresses are left out of the record", "error", err)
		return nil
	}
	temporary := temporaryAddresses(m.text("proc/net/if_inet6"))
	var addrs []netip.Addr
	for _, i := range interfaces {
		if isPlumbing(i.name) {
			continue
		}
		for _, a := range i.addresses {
			a = a.Unmap().WithZone("")
			if a.IsGlobalUnicast() && !temporary[a] {
				addrs = append(addrs, a)
			}
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	found := []string{}
	for _, a := range slices.Compact(addrs) {
		found = append(found, a.String())
	}
	return found
}

// temporaryAddresses reads /proc/net/if_inet6, whose lines hold address,
// interface index, prefix length, scope, flags and interface name, all but the
// name in hex. The flag 0x01 is IFA_F_TEMPORARY of linux/if_addr.h.
func temporaryAddresses(text string) map[netip.Addr]bool {
	found := map[netip.Addr]bool{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 6 {
			continue
		}
		b, err := hex.DecodeString(f[0])
		flags, flagErr := strconv.ParseUint(f[4], 16, 32)
		addr, ok := netip.AddrFromSlice(b)
		if err == nil && flagErr == nil && ok && flags&1 != 0 {
			found[addr] = true
		}
	}
	return found
}
