package main

import (
	"encoding/json"

	nadv1 "github.com/k8snetworkplumbingwg/network-attachment-definition-client/pkg/apis/k8s.cni.cncf.io/v1"
)

type attached struct {
	Name       string            `json:"name"`
	Primary    bool              `json:"primary"`
	Result     json.RawMessage   `json:"result"`
	DeviceInfo *nadv1.DeviceInfo `json:"deviceInfo,omitempty"`
}

type statusCase struct {
	Case     string     `json:"case"`
	Attached []attached `json:"attached"`
}

type resultCase struct {
	Case   string          `json:"case"`
	Result json.RawMessage `json:"result"`
}

func secondary(result string) []attached {
	return []attached{{Name: "default/net", Result: json.RawMessage(result)}}
}

func primary(result string) []attached {
	return []attached{{Name: "podnet", Primary: true, Result: json.RawMessage(result)}}
}

func device(info nadv1.DeviceInfo) []attached {
	one := secondary(plain)
	one[0].DeviceInfo = &info
	return one
}

const plain = `{"cniVersion":"1.0.0","interfaces":[{"name":"net1","mac":"02:00:00:00:00:01","sandbox":"/run/netns/a"}],"ips":[{"address":"10.9.0.5/24","interface":0}]}`

const twoInPod = `"interfaces":[{"name":"br0","mac":"02:00:00:00:00:09"},{"name":"net1","mac":"02:00:00:00:00:03","sandbox":"/a"},{"name":"extra0","mac":"02:00:00:00:00:04","sandbox":"/a"}]`

var statusCases = []statusCase{
	{"no-attachments", nil},
	{"one-interface", secondary(plain)},
	{"primary-and-secondary", append(primary(plain), secondary(plain)...)},
	{"mtu-and-device-free", secondary(`{"cniVersion":"1.1.0","interfaces":[{"name":"net1","mtu":9000,"socketPath":"/s","pciID":"0000:01:00.1","sandbox":"/a"}]}`)},
	{"calico-without-sandbox", primary(`{"cniVersion":"0.3.1","interfaces":[{"name":"cali123"}],"ips":[{"version":"4","address":"10.1.2.3/32"}]}`)},
	{"no-interfaces", primary(`{"cniVersion":"1.0.0","ips":[{"address":"10.1.2.3/32"}]}`)},
	{"version-0.2.0", primary(`{"cniVersion":"0.2.0","ip4":{"ip":"10.1.2.3/24","gateway":"10.1.2.1","routes":[{"dst":"0.0.0.0/0","gw":"10.1.2.1"}]}}`)},
	{"empty-result", secondary(`{"cniVersion":"1.0.0"}`)},
	{"dual-stack-with-gateways", secondary(`{"cniVersion":"1.0.0","interfaces":[{"name":"net1","sandbox":"/a"}],"ips":[{"address":"10.9.0.5/24","gateway":"10.9.0.1","interface":0},{"address":"FD00:0:0:0:0:0:0:5/64","gateway":"fd00::1","interface":0}],"routes":[{"dst":"0.0.0.0/0","gw":"10.9.0.1"},{"dst":"::/0","gw":"fd00::1"},{"dst":"10.20.0.0/16","gw":"10.9.0.2"}]}`)},
	{"default-route-without-gateway", secondary(`{"cniVersion":"1.0.0","interfaces":[{"name":"net1","sandbox":"/a"}],"routes":[{"dst":"0.0.0.0/0"}]}`)},
	{"zero-address-with-longer-prefix", secondary(`{"cniVersion":"1.0.0","interfaces":[{"name":"net1","sandbox":"/a"}],"routes":[{"dst":"0.0.0.0/8","gw":"10.9.0.1"}]}`)},
	{"mapped-ipv4", secondary(`{"cniVersion":"1.0.0","interfaces":[{"name":"net1","sandbox":"/a"}],"ips":[{"address":"::ffff:10.9.0.5/120","interface":0}]}`)},
	{"host-and-pod-interfaces", primary(`{"cniVersion":"1.0.0","interfaces":[{"name":"cni0","mac":"0a:00:00:00:00:01"},{"name":"veth1"},{"name":"eth0","mac":"0a:00:00:00:00:02","sandbox":"/a"}],"ips":[{"address":"10.9.0.5/24","gateway":"10.9.0.1","interface":2}],"routes":[{"dst":"0.0.0.0/0"}]}`)},
	{"two-pod-interfaces", secondary(`{"cniVersion":"1.0.0",` + twoInPod + `,"ips":[{"address":"10.9.0.5/24","interface":1},{"address":"10.8.0.5/24","interface":2}]}`)},
	{"two-pod-interfaces-primary", primary(`{"cniVersion":"1.0.0",` + twoInPod + `,"ips":[{"address":"10.9.0.5/24","interface":1},{"address":"10.8.0.5/24","gateway":"10.8.0.1","interface":2}]}`)},
	{"primary-without-gateway", primary(`{"cniVersion":"1.0.0",` + twoInPod + `,"ips":[{"address":"10.9.0.5/24","interface":2}]}`)},
	{"gateway-on-a-host-interface", primary(`{"cniVersion":"1.0.0",` + twoInPod + `,"ips":[{"address":"10.9.0.5/24","gateway":"10.9.0.1","interface":0}]}`)},
	{"addresses-without-index", secondary(`{"cniVersion":"1.0.0",` + twoInPod + `,"ips":[{"address":"10.9.0.5/24"},{"address":"10.8.0.5/24","interface":1}]}`)},
	{"address-with-an-index-nobody-has", secondary(`{"cniVersion":"1.0.0",` + twoInPod + `,"ips":[{"address":"10.9.0.5/24","interface":7}]}`)},
	{"two-host-interfaces", secondary(`{"cniVersion":"1.0.0","interfaces":[{"name":"a"},{"name":"b"}],"ips":[{"address":"10.9.0.5/24"}]}`)},
	{"gateway-repeated-on-each", secondary(`{"cniVersion":"1.0.0",` + twoInPod + `,"routes":[{"dst":"0.0.0.0/0","gw":"10.9.0.1"}]}`)},
	{"dns", secondary(`{"cniVersion":"1.0.0","interfaces":[{"name":"net1","sandbox":"/a"}],"dns":{"nameservers":["10.0.0.2"],"domain":"example.org","search":["a.example.org","b.example.org"],"options":["ndots:5"]}}`)},
	{"characters-go-escapes", []attached{{Name: "default/<a>&\u2028\"\\\u007f\t\u0001é", Result: json.RawMessage(`{"cniVersion":"1.0.0","interfaces":[{"name":"<n>&\u2029","mac":"\u0008\u000c\n\r","sandbox":"/a"}]}`)}}},
	{"device-pci", device(nadv1.DeviceInfo{Type: "pci", Version: "1.1.0", Pci: &nadv1.PciDevice{PciAddress: "0000:18:02.5", Vhostnet: "/dev/vhost-net", RdmaDevice: "mlx5_2", PfPciAddress: "0000:18:00.0", RepresentorDevice: "eth3"}})},
	{"device-vdpa", device(nadv1.DeviceInfo{Type: "vdpa", Version: "1.1.0", Vdpa: &nadv1.VdpaDevice{ParentDevice: "vdpa:0000:65:00.3", Driver: "vhost", Path: "/dev/vhost-vdpa-0", PciAddress: "0000:65:00.3"}})},
	{"device-vhost-user", device(nadv1.DeviceInfo{Type: "vhost-user", Version: "1.1.0", VhostUser: &nadv1.VhostDevice{Mode: "client", Path: "/run/vhost/a.sock"}})},
	{"device-memif", device(nadv1.DeviceInfo{Type: "memif", Version: "1.1.0", Memif: &nadv1.MemifDevice{Role: "slave", Path: "/run/memif/a.sock", Mode: "ethernet"}})},
	{"device-without-details", device(nadv1.DeviceInfo{Type: "pci", Pci: &nadv1.PciDevice{}})},
	{"device-on-two-interfaces", []attached{{Name: "default/net", Result: json.RawMessage(`{"cniVersion":"1.0.0",` + twoInPod + `}`), DeviceInfo: &nadv1.DeviceInfo{Type: "pci", Version: "1.0.0"}}}},
}

var resultCases = []resultCase{
	{"0.1.0", json.RawMessage(`{"cniVersion":"0.1.0","ip4":{"ip":"10.1.2.3/24"}}`)},
	{"0.2.0-dual-stack", json.RawMessage(`{"cniVersion":"0.2.0","ip4":{"ip":"10.1.2.3/24","gateway":"10.1.2.1","routes":[{"dst":"0.0.0.0/0"},{"dst":"10.20.0.0/16","gw":"10.1.2.9"}]},"ip6":{"ip":"fd00::3/64","routes":[{"dst":"::/0","gw":"fd00::1"}]},"dns":{"nameservers":["10.0.0.2"]}}`)},
	{"0.3.1", json.RawMessage(`{"cniVersion":"0.3.1","interfaces":[{"name":"net1","mac":"02:00:00:00:00:01","sandbox":"/a"}],"ips":[{"version":"4","address":"10.1.2.3/24","gateway":"10.1.2.1","interface":0},{"version":"4","address":"10.1.3.3/24"},{"version":"6","address":"fd00::3/64","interface":0}],"routes":[{"dst":"0.0.0.0/0","gw":"10.1.2.1"},{"dst":"fd01::/64"}],"dns":{"domain":"example.org"}}`)},
	{"0.4.0-layer-2", json.RawMessage(`{"cniVersion":"0.4.0","interfaces":[{"name":"net1","sandbox":"/a"}]}`)},
	{"1.0.0", json.RawMessage(plain)},
	{"1.1.0-everything", json.RawMessage(`{"cniVersion":"1.1.0","interfaces":[{"name":"net1","mac":"02:00:00:00:00:01","mtu":9000,"sandbox":"/a","socketPath":"/s","pciID":"0000:01:00.1"}],"ips":[{"address":"10.1.2.3/24","gateway":"10.1.2.1","interface":0},{"address":"FD00::3/64"}],"routes":[{"dst":"0.0.0.0/0","gw":"10.1.2.1","mtu":1400,"advmss":1360,"priority":100,"table":0,"scope":253},{"dst":"::/0"}],"dns":{"nameservers":["10.0.0.2"],"search":["a"],"options":["ndots:5"]}}`)},
	{"empty", json.RawMessage(`{"cniVersion":"1.0.0"}`)},
	{"unknown-keys", json.RawMessage(`{"cniVersion":"1.0.0","more":1,"ips":[{"address":"10.1.2.3/24","more":2}]}`)},
}
