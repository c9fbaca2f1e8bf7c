//go:build !nowho

#include "textflag.h"

// handler is what the kernel calls, by the C ABI: DI is the signal, SI the siginfo, DX the ucontext. These three, the
// stack and what the callee has to keep are left as they are for the runtime's handler; AX and R8 to R10 are free.
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0
	MOVL	DI, AX
	ANDL	$31, AX		// no signal beyond is watched
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
	XCHGQ	R8, (R10)(AX*8)	// atomic by itself
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
