//go:build !nowho

#include "textflag.h"

// The kernel calls handler by the C ABI: R0 is the signal, R1 the siginfo, R2 the ucontext, R30 the return address.
// The handler leaves these four, the stack and the callee-saved registers unchanged for the runtime's handler. It
// uses only R9 to R13. It uses load and store exclusive, which every arm64 has, because older processors lack the
// single atomic instructions.
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0
	AND	$31, R0, R9		// no signal above 31 is watched
	MOVWU	16(R1), R10		// si_pid
	AND	$0x7fffff, R10
	ORR	$0x800000, R10		// newsBit
	MOVBU	8(R1), R11		// the low byte of si_code
	ORR	R11<<24, R10
	MOVWU	20(R1), R11		// si_uid
	ORR	R11<<32, R10
	MOVD	$·senders(SB), R11
	ADD	R9<<3, R11
swap:
	LDAXR	(R11), R12
	STLXR	R10, (R11), R13
	CBNZ	R13, swap
	CBZ	R12, chain
	MOVD	$·merged(SB), R11
	ADD	R9<<2, R11
count:
	LDAXRW	(R11), R12
	ADDW	$1, R12
	STLXRW	R12, (R11), R13
	CBNZ	R13, count
chain:
	MOVD	$·runtimeHandler(SB), R9
	MOVD	(R9), R9
	JMP	(R9)

// func handlerPC() uintptr
TEXT ·handlerPC(SB), NOSPLIT, $0-8
	MOVD	$·handler(SB), R9
	MOVD	R9, ret+0(FP)
	RET
