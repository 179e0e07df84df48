package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// runNames answers over UDP what the names of Services stand for: `cluster-dns KUBECONFIG ADDRESS:PORT`.
//
// It knows A records of Services with an address of their own, in the zone cluster.local; everything else does not exist,
// as on a site that cannot reach other name servers.
func runNames() {
	if err := serveNames(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveNames(kubeconfig, address string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	services := factory.Core().V1().Services().Lister()
	factory.Start(context.Background().Done())
	factory.WaitForCacheSync(context.Background().Done())
	connection, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	find := func(name string) (net.IP, bool) {
		all, err := services.List(labels.Everything())
		if err != nil {
			return nil, false
		}
		for _, service := range all {
			if name == service.Name+"."+service.Namespace+".svc.cluster.local." {
				ip := net.ParseIP(service.Spec.ClusterIP).To4()
				return ip, true
			}
		}
		return nil, false
	}
	buffer := make([]byte, 4096)
	for {
		size, client, err := connection.ReadFrom(buffer)
		if err != nil {
			return err
		}
		if answer, err := answerNames(buffer[:size], find); err == nil {
			connection.WriteTo(answer, client)
		}
	}
}

func answerNames(query []byte, find func(string) (net.IP, bool)) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := parser.Question()
	if err != nil {
		return nil, err
	}
	ip, found := find(strings.ToLower(question.Name.String()))
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true, RecursionDesired: header.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{question},
	}
	if !found {
		reply.RCode = dnsmessage.RCodeNameError
	} else if ip != nil && question.Type == dnsmessage.TypeA {
		reply.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 5},
			Body:   &dnsmessage.AResource{A: [4]byte(ip)},
		}}
	}
	return reply.Pack()
}
