//go:build !nowho

#include "textflag.h"

// The kernel calls handler by the C ABI: DI is the signal, SI the siginfo, DX the ucontext. The handler leaves these
// three, the stack and the callee-saved registers unchanged for the runtime's handler. It uses only AX and R8 to R10.
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0
	MOVL	DI, AX
	ANDL	$31, AX		// no signal above 31 is watched
	MOVL	16(SI), R8	// si_pid
	ANDL	$0x7fffff, R8
	ORL	$0x800000, R8	// newsBit
	MOVL	8(SI), R9	// si_code
	SHLL	$24, R9
	ORL	R9, R8
	MOVL	20(SI), R9	// si_uid
	SHLQ	$32, R9
	ORQ	R9, R8
	LEAQ	·senders(SB), R10
	XCHGQ	R8, (R10)(AX*8)	// XCHG with memory is always atomic
	TESTQ	R8, R8
	JEQ	chain
	LEAQ	·merged(SB), R10
	LOCK
	INCL	(R10)(AX*4)
chain:
	MOVQ	·runtimeHandler(SB), AX
	JMP	AX

// func handlerPC() uintptr
TEXT ·handlerPC(SB), NOSPLIT, $0-8
	LEAQ	·handler(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
