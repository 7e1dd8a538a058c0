package main

import (
	"errors"
	"unsafe"
)

// What this function uses of nex_host_v1. docs/host-services-wasm.md has the rest, in the same form: every address an
// unsafe.Pointer, every length a uint32.

//go:wasmimport nex_host_v1 kv_get
func hostKvGet(key unsafe.Pointer, keyLength uint32) int32

//go:wasmimport nex_host_v1 kv_put
func hostKvPut(key unsafe.Pointer, keyLength uint32, value unsafe.Pointer, valueLength uint32, ttlMs uint64) int32

//go:wasmimport nex_host_v1 result_take
func hostResultTake(field uint32, buffer unsafe.Pointer, capacity uint32) int32

//go:wasmimport nex_host_v1 error_message
func hostErrorMessage(buffer unsafe.Pointer, capacity uint32) int32

const (
	fieldBody = 0
	notFound  = -1
)

var errNotFound = errors.New("there is no such key")

func kvGet(key string) ([]byte, error) {
	length := hostKvGet(unsafe.Pointer(unsafe.StringData(key)), uint32(len(key)))
	if length == notFound {
		return nil, errNotFound
	}
	if length < 0 {
		return nil, lastError()
	}
	value := make([]byte, length)
	hostResultTake(fieldBody, unsafe.Pointer(unsafe.SliceData(value)), uint32(length))
	return value, nil
}

func kvPut(key string, value []byte) error {
	result := hostKvPut(
		unsafe.Pointer(unsafe.StringData(key)), uint32(len(key)),
		unsafe.Pointer(unsafe.SliceData(value)), uint32(len(value)), 0)
	if result < 0 {
		return lastError()
	}
	return nil
}

func lastError() error {
	message := make([]byte, 512)
	length := hostErrorMessage(unsafe.Pointer(unsafe.SliceData(message)), uint32(len(message)))
	return errors.New(string(message[:min(int(length), len(message))]))
}
