package localhost

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// dmi is where Linux shows what the firmware says about the machine.
const dmi = "sys/class/dmi/id/"

// placeholders are what firmware holds where the maker filled nothing in, in
// lower case.
var placeholders = []string{
	"0123456789", "123456789", "1234567890", "base board serial number", "chassis serial number", "default",
	"default string", "empty", "invalid", "n/a", "na", "none", "not applicable", "not available", "not present",
	"not specified", "null", "o.e.m.", "oem", "system manufacturer", "system product name", "system serial number",
	"to be filled by o.e.m.", "to be filled by o.e.m", "to be filled by oem", "type1productconfigid", "unknown", "unspecified",
}

// meaningful returns s, trimmed, or "" if it is a placeholder: a known one,
// zeros and punctuation, or one character again and again.
func meaningful(s string) string {
	s = strings.TrimSpace(s)
	if strings.Trim(s, "0 .-_/*#?") == "" || strings.Trim(s, s[:1]) == "" || slices.Contains(placeholders, strings.ToLower(s)) {
		return ""
	}
	return s
}

// virtualMakers are how the maker's or the product's name begins in virtual
// machines, in lower case.
var virtualMakers = []string{
	"ahv", "alibaba cloud ecs", "apple virtualization", "bhyve", "bochs", "droplet", "google compute engine", "hvm domu",
	"innotek gmbh", "kubevirt", "kvm", "linux,dummy-virt", "openstack", "ovirt", "parallels", "qemu", "rhev hypervisor",
	"virtual machine", "virtualbox", "vmware", "vserver", "xen",
}

func isVirtual(maker, product string) bool {
	maker, product = strings.ToLower(maker), strings.ToLower(product)
	// EC2 also rents whole machines, "c5.metal".
	if maker == "amazon ec2" {
		return !strings.Contains(product, "metal")
	}
	return slices.ContainsFunc(virtualMakers, func(begin string) bool {
		return strings.HasPrefix(maker, begin) || strings.HasPrefix(product, begin)
	})
}

// serverChassis are the chassis types of servers in the System Management BIOS
// reference specification, DMTF DSP0134, table "System Enclosure or Chassis
// Types": main server chassis, rack mount, blade, blade enclosure.
var serverChassis = []string{"17", "23", "28", "29"}

// firmware is what the firmware says the machine is.
type firmware struct {
	maker, product, chassis string
}

// firmware reads the DMI tables, and where there are none, as on most ARM
// boards, the device tree.
func (m *machine) firmware() firmware {
	return firmware{
		maker:   m.text(dmi + "sys_vendor"),
		product: m.text(dmi+"product_name", "proc/device-tree/model"),
		chassis: m.text(dmi + "chassis_type"),
	}
}

// assetType returns the machine's type, or "" if neither the firmware nor the
// processor tells.
func assetType(fw firmware, cpu processor) string {
	switch {
	case cpu.hypervisor, isVirtual(fw.maker, fw.product):
		return "virtual_machine"
	case slices.Contains(serverChassis, fw.chassis):
		return "server"
	case fw == (firmware{}) && !cpu.flags:
		return ""
	}
	return "computer"
}

// processor is what /proc/cpuinfo says of the first one.
type processor struct {
	model      string
	flags      bool // it lists its features, as x86 alone does
	hypervisor bool // a hypervisor's flag is among them
}

func (m *machine) cpu() processor { return parseCPUInfo(m.text("proc/cpuinfo")) }

func parseCPUInfo(text string) processor {
	var cpu processor
	models := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch key {
		case "model name", "cpu model", "cpu": // x86, MIPS, POWER; ARM has none
			if models[key] == "" {
				models[key] = value
			}
		case "flags":
			cpu.flags = true
			cpu.hypervisor = cpu.hypervisor || slices.Contains(strings.Fields(value), "hypervisor")
		}
	}
	for _, key := range []string{"model name", "cpu model", "cpu"} {
		if cpu.model == "" {
			cpu.model = models[key]
		}
	}
	return cpu
}

// memoryMB returns the memory in MiB, or 0 if it is not known.
func (m *machine) memoryMB() int64 {
	for line := range strings.Lines(m.text("proc/meminfo")) {
		rest, ok := strings.CutPrefix(line, "MemTotal:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		if err != nil || kib < 0 {
			return 0
		}
		return kib / 1024
	}
	return 0
}

// storageGB returns the size of the built-in disks in GB of 10^9 bytes, as
// makers count them, or 0 if it is not known.
func (m *machine) storageGB() int64 {
	const sector, gb = 512, 1_000_000_000 // the kernel counts in 512 bytes, whatever the disk does
	entries, err := fs.ReadDir(m.files, "sys/block")
	if err != nil {
		return 0
	}
	var sectors int64
	for _, e := range entries {
		disk := "sys/block/" + e.Name() + "/"
		// Only hardware has a device: loop, zram, RAID and mapped volumes do not.
		// A hidden one is another path to a disk that is listed itself.
		if !m.exists(disk+"device") || m.text(disk+"removable") == "1" || m.text(disk+"hidden") == "1" {
			continue
		}
		if n, err := strconv.ParseInt(m.text(disk+"size"), 10, 64); err == nil && n > 0 && n < 1<<50 {
			sectors += n
		}
	}
	return (sectors*sector + gb/2) / gb
}
