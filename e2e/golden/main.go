// Command golden writes what the reference libraries make of a table of inputs, for api/network-status.test.ts and api/cni/result.test.ts:
// the network-status annotation of network-attachment-definition-client v1.7.6 and the result conversions of containernetworking/cni.
//
// Update, from the repository's root: go -C e2e/golden run . ../../api/testdata
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/pkg/types/create"
	nadv1 "github.com/k8snetworkplumbingwg/network-attachment-definition-client/pkg/apis/k8s.cni.cncf.io/v1"
	nadutils "github.com/k8snetworkplumbingwg/network-attachment-definition-client/pkg/utils"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: golden <testdata directory>"))
	}
	for _, c := range statusCases {
		annotation, err := annotationOf(c)
		if err != nil {
			fail(fmt.Errorf("%s: %w", c.Case, err))
		}
		write(filepath.Join(os.Args[1], "network-status"), c.Case, struct {
			statusCase
			Annotation string `json:"annotation"`
		}{c, annotation})
	}
	for _, c := range resultCases {
		write(filepath.Join(os.Args[1], "results"), c.Case, struct {
			resultCase
			As map[string]converted `json:"as"`
		}{c, conversionsOf(c)})
	}
}

// annotationOf lets the client write the annotation of a pod on a fake API server, as Multus does, and reads it back.
func annotationOf(c statusCase) (string, error) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pod"}}
	client := fake.NewClientset(pod)
	var statuses []nadv1.NetworkStatus
	for _, attached := range c.Attached {
		result, err := create.CreateFromBytes(attached.Result)
		if err != nil {
			return "", err
		}
		made, err := nadutils.CreateNetworkStatuses(result, attached.Name, attached.Primary, attached.DeviceInfo)
		if err != nil {
			return "", err
		}
		for _, status := range made {
			statuses = append(statuses, *status)
		}
	}
	if err := nadutils.SetNetworkStatus(client, pod, statuses); err != nil {
		return "", err
	}
	written, err := client.CoreV1().Pods("default").Get(context.Background(), "pod", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return written.Annotations[nadv1.NetworkStatusAnnot], nil
}

// converted is a result in one version, or that the library refuses to write it so.
type converted struct {
	JSON    json.RawMessage `json:"json,omitempty"`
	Refused bool            `json:"refused,omitempty"`
}

func conversionsOf(c resultCase) map[string]converted {
	as := map[string]converted{}
	for _, version := range []string{"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"} {
		as[version] = convert(c.Result, version)
	}
	return as
}

func convert(raw json.RawMessage, version string) converted {
	result, err := create.CreateFromBytes(raw)
	if err != nil {
		return converted{Refused: true}
	}
	other, err := result.GetAsVersion(version)
	if err != nil {
		return converted{Refused: true}
	}
	text, err := json.Marshal(other)
	if err != nil {
		return converted{Refused: true}
	}
	return converted{JSON: text}
}

func write(directory, name string, value any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		fail(err)
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		fail(err)
	}
	if err := os.WriteFile(filepath.Join(directory, name+".json"), text.Bytes(), 0o644); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "golden:", err)
	os.Exit(1)
}
