// Package faultpoint marks the places at which a process can be made to die or to stand still, so that it can be shown what is left then. In a binary
// without the build tag faultpoints its functions are empty, and nothing of them is in the program.
//
// With the tag, on Linux, JALUR_FAULTPOINT=NAME:N kills the process by SIGKILL when it comes to the point for the Nth time, and NAME:N:stop stops it by SIGSTOP.
package faultpoint
