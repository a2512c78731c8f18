/**
 * Runs a program behind a virtio-serial port, on a node that is a machine. A read from a port to which nobody is connected
 * ends at once (the agent would be started over and over), a write takes 32 KiB at most, which Node.js's own standard
 * output loses, and a blocked read would keep it from exiting. So somebody small stands between them, with pipes.
 *
 * Nothing here may block in the port itself (drivers/char/virtio_console.c): a write to a port whose host has gone waits
 * until one comes again, so that what the last host did not take would go to the next one, who then meets no agent at all.
 *
 * The program's first thread comes before others (nice -20, reset on fork, sched(7)), for it tells by its own ticks how long
 * the machine stood still: after a stall, each daemon of the node is late and wants the CPUs at once. Its other threads and
 * the commands that it runs are ordinary. It is no real-time task: the kernel charges a stall to whoever had the CPU, and
 * real-time throttling then kept that thread from running for as long again (tried: 5 s, and 4.3 s more).
 */
import type { Artifact, ComponentStore, StoreContext } from '../component.ts';
import { produceGoProgram } from './go-program.ts';

const SOURCE = `// on-port PORT PROGRAM [ARG...]: waits until the host is connected to the port, then runs the program with the port as
// its standard input and output. Ends with it; the program's input ends when the host goes away.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
	"unsafe"
)

const (
	pollIn  = 0x1
	pollOut = 0x4
	pollHup = 0x10
	often   = 20 * time.Millisecond

	schedOther  = 0
	resetOnFork = 0x40000000
	first       = -20
)

type port int

func main() {
	// systemd tells every process of a unit to end; this one goes when the program has gone.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
	opened := open("/dev/virtio-ports/" + os.Args[1])
	for opened.poll(pollIn, &syscall.Timespec{})&pollHup != 0 {
		time.Sleep(often)
	}
	program := exec.Command(os.Args[2], os.Args[3:]...)
	program.Stderr = os.Stderr
	input, err := program.StdinPipe()
	check("stdin", err)
	output, err := program.StdoutPipe()
	check("stdout", err)
	check("start", program.Start())
	hurry(program.Process.Pid)
	go func() {
		io.Copy(input, opened)
		input.Close()
	}()
	if _, err := io.Copy(opened, output); err != nil {
		fmt.Fprintf(os.Stderr, "on-port: %v\\n", err)
		io.Copy(io.Discard, output)
	}
	if program.Wait() != nil {
		os.Exit(max(program.ProcessState.ExitCode(), 1))
	}
}

// A kernel that does not let us is no reason not to run: the program is then as late as others are.
func hurry(pid int) {
	parameter := struct{ priority int32 }{0}
	_, _, errno := syscall.Syscall(syscall.SYS_SCHED_SETSCHEDULER, uintptr(pid), schedOther|resetOnFork,
		uintptr(unsafe.Pointer(&parameter)))
	if errno == 0 {
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, pid, first); err == nil {
			return
		}
	}
	fmt.Fprintf(os.Stderr, "on-port: process %d is not scheduled first\\n", pid)
}

// A port appears when its driver is loaded, and only one process can have it open.
func open(path string) port {
	for {
		opened, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
		if err == nil {
			return port(opened)
		}
		if err != syscall.ENOENT && err != syscall.EBUSY && err != syscall.EINTR {
			check(path, err)
		}
		time.Sleep(often)
	}
}

// Says what can be done, of what was asked for, and whether the port is hung up: the host is not there then.
func (p port) poll(events int16, timeout *syscall.Timespec) int16 {
	for {
		asked := struct {
			fd      int32
			events  int16
			revents int16
		}{fd: int32(p), events: events}
		_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&asked)), 1,
			uintptr(unsafe.Pointer(timeout)), 0, 0, 0)
		if errno == 0 {
			return asked.revents
		}
		if errno != syscall.EINTR {
			check("poll", errno)
		}
	}
}

func (p port) Read(into []byte) (int, error) {
	for {
		count, err := syscall.Read(int(p), into)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.EAGAIN {
			p.poll(pollIn, nil)
			continue
		}
		if err == nil && count == 0 {
			err = io.EOF
		}
		return max(count, 0), err
	}
}

// Returns when the host has taken all of it: whoever closes the port then loses nothing.
func (p port) Write(from []byte) (int, error) {
	written := 0
	for {
		if p.poll(pollOut, nil)&pollHup != 0 {
			return written, syscall.EPIPE
		}
		if written == len(from) {
			return written, nil
		}
		count, err := syscall.Write(int(p), from[written:])
		if err == syscall.EINTR || err == syscall.EAGAIN {
			continue
		}
		if err != nil {
			return written, err
		}
		written += count
	}
}

func check(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "on-port: %s: %v\\n", what, err)
		os.Exit(1)
	}
}
`;

export function producePortProgram(
  store: ComponentStore,
  goFolder: string,
  context: StoreContext,
): Promise<Artifact> {
  return produceGoProgram(store, goFolder, { name: 'on-port', source: SOURCE }, context);
}
