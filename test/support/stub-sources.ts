import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Assembles a whole program with GNU as, to be put at address 0. */
export function assembleSource(source: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'hypberry-stub-'));
  try {
    const [input, object, binary] = [
      join(folder, 'in.s'),
      join(folder, 'out.o'),
      join(folder, 'out.bin'),
    ] as const;
    const head = '.syntax unified\n.arch armv7ve\n.arch_extension sec\n.arch_extension virt\n.arm\n';
    writeFileSync(input, `${head}${source}\n`);
    execFileSync('arm-none-eabi-as', ['-o', object, input]);
    execFileSync('arm-none-eabi-objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
    return new Uint8Array(readFileSync(binary));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the stubs of the tests differ in. */
export interface StubTraits {
  readonly hyp: boolean;
  readonly waits: boolean;
  readonly clears: boolean;
  /** Looks at the mailbox again and again without WFE, as the stubs of 2015 and 2016 do. */
  readonly polls?: boolean;
  /** Touches CPUECTLR, as stubs for 64-bit capable cores do. */
  readonly newerCore: boolean;
}

/**
 * A stub as firmware of 2015 has it, written for these tests: A32, `smc #0` through a vector at +8 that jumps on,
 * the tree's address in a word at +0x14, the kernel's address in the code.
 */
export function stubOf2015(traits: StubTraits): Uint8Array {
  return assembleSource(`
    b main
    nop
    add pc, pc, #16
    .word 0
    .word 0
tree: .word 0x100
nsacr: .word 0x60c00
freq: .word 19200000
monitor:
    mrc p15, 0, r1, c1, c1, 0
    orr r1, r1, #0x31
    mcr p15, 0, r1, c1, c1, 0
    ${traits.hyp ? 'mov r0, #0x1c0\n orr r0, r0, #0x1a\n msr spsr_cxsf, r0' : ''}
    movs pc, lr
main:
    ${traits.newerCore ? 'mrrc p15, 1, r0, r1, c15' : 'mrc p15, 0, r0, c1, c0, 1'}
    ldr r1, nsacr
    mcr p15, 0, r1, c1, c1, 2
    ldr r1, freq
    mcr p15, 0, r1, c14, c0, 0
    mov r1, #0
    mcr p15, 0, r1, c12, c0, 1
    smc #0
    mov r4, #0x8000
    mrc p15, 0, r0, c0, c0, 5
    ands r0, r0, #3
    beq go
    ${
      traits.waits
        ? `ldr r5, set3
    add r5, r5, #0x40
wait: ${traits.polls ? '' : 'wfe'}
    ldr r4, [r5, r0, lsl #4]
    cmp r4, #0
    beq wait
    ${traits.clears ? 'str r4, [r5, r0, lsl #4]' : ''}`
        : 'park: wfi\n b park'
    }
go: mov r0, #0
    ldr r1, machine
    ldr r2, tree
    bx r4
set3: .word 0x4000008c
machine: .word 3138
    .org 0x100`);
}

/** A stub as later firmware has it, written for these tests: Thumb-2 after two instructions, armstub7's words at its end. */
export function stubWithContract(traits: StubTraits): Uint8Array {
  return assembleSource(`
    mrc p15, 0, r6, c0, c0, 5
    blx main
    mov ip, #0xb1
    orr ip, ip, #0x100
    mcr p15, 0, ip, c1, c1, 0
    ${traits.hyp ? 'movw ip, #0x1da\n msr spsr_cxsf, ip' : ''}
    movs pc, lr
    .thumb
    .thumb_func
main:
    movs r0, #0
    lsls r6, r6, #30
    mov.w r7, #0x40000000
    ${traits.newerCore ? 'mrrc p15, 1, r1, r2, c15' : 'mrc p15, 0, r1, c1, c0, 1'}
    mcr p15, 0, r0, c12, c0, 1
    isb
    smc #0
    movw r1, #3138
    ldrd r2, r3, tree
    cbz r6, go
    ${
      traits.waits
        ? `lsrs r6, r6, #26
    adds r6, #0xcc
wait: ${traits.polls ? '' : 'wfe'}
    ldr r3, [r7, r6]
    cmp r3, #0
    beq wait
    ${traits.clears ? 'str r3, [r7, r6]' : ''}`
        : 'park: wfi\n b park'
    }
go: bx r3
    .org 0xf0
    .word 0x5afe570b, 0
tree: .word 0, 0`);
}

/** The traits of a Pi 2's stub in firmware that starts HYP mode. */
export const HYP_STUB: StubTraits = { hyp: true, waits: true, clears: true, newerCore: false };

/**
 * Something that passes for start.elf: an ELF header for VideoCore, texts each with a NUL before and behind, and
 * stubs at multiples of 256.
 */
export function startElfOf(texts: readonly string[], stubs: readonly Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(`\0${texts.join('\0')}\0`);
  const first = Math.ceil((0x100 + text.length) / 0x100) * 0x100;
  const file = new Uint8Array(first + stubs.length * 0x100 + 0x100);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  file[0x12] = 137;
  file.set(text, 0x100);
  stubs.forEach((stub, i) => {
    file.set(stub, first + i * 0x100);
  });
  return file;
}

/** A command line that start.elf has of its own; the real ones are longer. */
export const OWN_LINE = 'console=ttyAMA0,115200 root=/dev/mmcblk0p2 rootwait';

/** What firmware of November 2015 and of today says that matters here. */
export const TEXTS_2015 = [
  'VC_BUILD_ID_TIME: 17:48:48',
  'VC_BUILD_ID_TIME: Nov 25 2015',
  'kernel_old',
  OWN_LINE,
  'device_tree_address',
  'all',
  'pi1',
  'pi2',
  'edid',
  '[%60c]',
  'RPTL',
  'No kernel trailer - assuming not DT-capable',
];
export const TEXTS_TODAY = [
  'VC_BUILD_ID_TIME: Apr 17 2024',
  `VC_BUILD_ID_VERSION: ${'86cc'.repeat(10)} (clean)`,
  'armstub',
  'armstub7.bin',
  OWN_LINE,
  'kernel_old',
  'device_tree_address',
  ...[
    'all',
    'pi0',
    'pi1',
    'pi2',
    'pi3',
    'pi4',
    'cm4',
    'pi5',
    'pi0w',
    'pi3+',
    'edid',
    'none',
    'gpio',
    'hdmi:',
  ],
  '[%60c]',
  'tryboot',
  'board-type',
  'os_prefix',
  'auto_initramfs',
  'upstream_kernel',
  'overlay_prefix',
  'Device tree loaded to 0x%x (size 0x%x)',
  '/chosen/rng-seed',
];
