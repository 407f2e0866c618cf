package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ, which is 100 on every Linux.
const tick = 10 * time.Millisecond

// cpuOf is the CPU time, user and system, that all threads of a process have used so far. It is
// exact to a tick.
func cpuOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time of a process: %w", err)
	}
	return cpuInStat(stat)
}

// cpuInStat reads fields 14 and 15 (proc_pid_stat(5)). Field 2, the name, may hold spaces and
// parentheses; what follows its last parenthesis is field 3.
func cpuInStat(stat []byte) (time.Duration, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("a process's stat is shorter than it should be")
	}
	user, userErr := strconv.ParseInt(string(fields[11]), 10, 64)
	system, systemErr := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * tick, errors.Join(userErr, systemErr)
}

// residentOf is the memory of a process that is in RAM now, and the most that ever was, in MiB.
func residentOf(pid int) (now, peak float64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read the memory of a process: %w", err)
	}
	now, nowErr := mebibytes(status, "VmRSS:")
	peak, peakErr := mebibytes(status, "VmHWM:")
	return now, peak, errors.Join(nowErr, peakErr)
}

func mebibytes(status []byte, name string) (float64, error) {
	_, rest, found := bytes.Cut(status, []byte("\n"+name))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, fmt.Errorf("a process's status has no %s", name)
	}
	kibibytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return float64(kibibytes) / 1024, err
}
