#include "textflag.h"

// The entry point of the program if it was linked with -ldflags=-E=jobsd/spawn.entry. The kernel calls it with argc and
// argv on the stack. In a process that the daemon started as a quick shim it performs a script; otherwise it jumps to
// the entry point of the Go runtime with everything as the kernel passed it.
TEXT ·entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	CMPQ	0(SP), $2
	JNE	program
	MOVQ	16(SP), AX
	MOVQ	$0x0031656761747340, BX	// @stage1 and a NUL
	CMPQ	BX, (AX)
	JNE	program

	// Read the script from descriptor 4 until its end.
	LEAQ	·area(SB), R12
	MOVQ	R12, R13
	MOVQ	$65536, R14
read:
	XORL	AX, AX			// read
	MOVL	$4, DI
	MOVQ	R13, SI
	MOVQ	R14, DX
	SYSCALL
	CMPQ	AX, $0
	JLE	complete
	ADDQ	AX, R13
	SUBQ	AX, R14
	JMP	read
complete:
	CMPQ	R12, R13
	JEQ	empty

	// Each step is a system call, see the type step.
next:
	MOVQ	0(R12), AX
	MOVQ	8(R12), DI
	MOVQ	16(R12), SI
	MOVQ	24(R12), DX
	MOVQ	32(R12), R10
	XORL	R8, R8
	XORL	R9, R9
	SYSCALL
	CMPQ	AX, $0xfffffffffffff001
	JCC	failed
	ADDQ	$72, R12
	JMP	next
failed:
	NEGQ	AX
	MOVQ	40(R12), BX		// where to store the error
	TESTQ	BX, BX
	JEQ	choose
	MOVB	AX, (BX)
choose:
	MOVQ	48(R12), BX		// the errors below 64 that are expected
	CMPQ	AX, $64
	JCC	unexpected
	BTQ	AX, BX
	JCS	expected
unexpected:
	MOVQ	64(R12), R12
	JMP	next
expected:
	MOVQ	56(R12), R12
	JMP	next

empty:
	MOVL	$231, AX		// exit_group
	MOVL	$111, DI
	SYSCALL

program:
	JMP	_rt0_amd64_linux(SB)

// func entryPC() uintptr
TEXT ·entryPC(SB), NOSPLIT, $0-8
	LEAQ	·entry(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
