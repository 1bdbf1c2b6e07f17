// Package faultpoint marks the places at which a process can be made to die, to stand still or to fail, or to see another time, so that it can be shown what is left
// then. In a binary without the build tag faultpoints its functions do nothing, and nothing of them is in the program.
//
// With the tag, on Linux, JALUR_FAULTPOINT=NAME:N kills the process by SIGKILL when it comes to the point for the Nth time, NAME:N:stop stops it by SIGSTOP, and
// NAME:N:fail makes what is done there fail. JALUR_CLOCK names a file with the offset of the wall clock, such as -3h; it is read at every look at the clock, so that a
// running process's clock can jump.
package faultpoint
