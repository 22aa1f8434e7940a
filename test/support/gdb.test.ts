import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withDebuggedMachine } from './debugged-machine.js';
import { countInstructions, stateAtEntry, traceBoot } from './entry-state.js';
import { createPacketDecoder, encodePacket } from './gdb.js';
import { handoverOf, words } from './handover.js';
import { silentPayload } from './payloads.js';

const isEqual = (left: Uint8Array, right: Uint8Array) => {
  expect([...left]).toEqual([...right]);
};

describe('packets', () => {
  it('carry the sum of their bytes (GDB manual, E.1: "$OK#9a" is a stub’s yes)', () => {
    expect(encodePacket('OK')).toBe('$OK#9a');
    expect(encodePacket('')).toBe('$#00');
  });

  it('come out whole however the line is cut', () => {
    const packet = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '9', ':', ';', ',') });
    fc.assert(
      fc.property(fc.array(packet), fc.integer({ min: 1, max: 9 }), (packets, size) => {
        const line = packets.map((it) => `+${encodePacket(it)}`).join('');
        const decode = createPacketDecoder();
        const found: string[] = [];
        for (let at = 0; at < line.length; at += size) found.push(...decode(line.slice(at, at + size)));
        expect(found).toEqual(packets);
      }),
    );
  });

  it('have their escapes resolved, and their checksum looked at', () => {
    expect(createPacketDecoder()('$a}\x03b#43')).toEqual(['a#b']);
    expect(() => createPacketDecoder()('$OK#9b')).toThrow('checksum');
  });
});

describe('a machine under the debugger', () => {
  it('stands before its first instruction on all four cores, in Secure SVC mode', async () => {
    await withDebuggedMachine(handoverOf([0, silentPayload]), async (gdb) => {
      for (let core = 0; core < 4; core++) {
        expect(await gdb.readRegister(core, 'pc')).toBe(0n);
        // A, I, F set, A32, mode SVC.
        expect((await gdb.readRegister(core, 'cpsr')) & 0x1ffn).toBe(0x1d3n);
        expect((await gdb.readRegister(core, 'SCR')) & 1n).toBe(0n);
        // Cortex-A7 r0p5; MPIDR's lowest bits are the core's number.
        expect(await gdb.readRegister(core, 'MIDR')).toBe(0x410f_c075n);
        expect((await gdb.readRegister(core, 'VMPIDR')) & 0xffn).toBe(BigInt(core));
      }
    });
  });

  it('has memory that can be read and written', async () => {
    const bytes = Uint8Array.of(0, 0x23, 0x24, 0x7d, 0xff);
    await withDebuggedMachine(handoverOf([0x1000, bytes]), async (gdb) => {
      isEqual(await gdb.readMemory(0x1000, 5), bytes);
      await gdb.writeMemory(0x2001, bytes);
      isEqual(await gdb.readMemory(0x2000, 7), Uint8Array.of(0, ...bytes, 0));
    });
  });

  it('steps one core and leaves the others alone, and stops at breakpoints', async () => {
    const image = words(
      0xe3a0_0001, // +0 mov r0, #1
      0xe290_0002, // +4 adds r0, r0, #2
      0xe1a0_1000, // +8 mov r1, r0
      0xeaff_fffe, // +c b +c
    );
    await withDebuggedMachine(handoverOf([0, image]), async (gdb) => {
      await gdb.step(2);
      await gdb.step(2);
      expect(await gdb.readRegister(2, 'r0')).toBe(3n);
      expect(await gdb.readRegister(2, 'pc')).toBe(8n);
      expect(await gdb.readRegister(1, 'pc')).toBe(0n);
      await gdb.setBreakpoint(0xc);
      const core = await gdb.run();
      expect(await gdb.readRegister(core, 'pc')).toBe(0xcn);
      expect(await gdb.readRegister(core, 'r1')).toBe(3n);
      await gdb.clearBreakpoint(0xc);
      // How far each comes in some milliseconds is the host's matter.
      await expect
        .poll(
          async () => {
            await gdb.runFor(20);
            return [
              await gdb.readRegister(0, 'r1'),
              await gdb.readRegister(1, 'r1'),
              await gdb.readRegister(3, 'r1'),
            ];
          },
          { timeout: 20_000 },
        )
        .toEqual([3n, 3n, 3n]);
      expect(await gdb.readRegister(2, 'r1')).toBe(3n);
    });
  });

  it('says so where a register is not there', async () => {
    await withDebuggedMachine(handoverOf(), async (gdb) => {
      await expect(gdb.readRegister(0, 'NO_SUCH')).rejects.toThrow('NO_SUCH');
    });
  });
});

// Stays in Secure SVC mode, with marks in the registers to know them by; the other cores wait on mailbox 3.
const bootCode = words(
  0xee10_4fb0, // +00 mrc p15, 0, r4, c0, c0, 5  ; MPIDR
  0xe214_4003, // +04 ands r4, r4, #3
  0xe59f_5040, // +08 ldr r5, [pc, #64]         ; +50
  0xee0e_5f10, // +0c mcr p15, 0, r5, c14, c0, 0 ; CNTFRQ
  0xe3a0_0011, // +10 mov r0, #0x11
  0xe280_1022, // +14 add r1, r0, #0x22
  0xe1a0_2004, // +18 mov r2, r4
  0x03a0_f902, // +1c moveq pc, #0x8000
  0xe59f_6030, // +20 ldr r6, [pc, #48]         ; +58
  0xe086_6204, // +24 add r6, r6, r4, lsl #4
  0xe320_f002, // +28 wfe
  0xe596_7000, // +2c ldr r7, [r6]
  0xe357_0000, // +30 cmp r7, #0
  0x0aff_fffb, // +34 beq +28
  0xe12f_ff17, // +38 bx r7
  ...[0, 0, 0, 0, 0], // +3c
  0x0124_f800, // +50 19200000
  0, // +54
  0x4000_00cc, // +58 core 0's mailbox 3
);
const ENTRY = 0x8000;

describe('kernel entry', () => {
  it('is seen on all four cores', async () => {
    const states = await stateAtEntry(handoverOf([0, bootCode]), ENTRY);
    expect(states.map((state) => [state.core, state.r0, state.r1, state.r2])).toEqual(
      [0, 1, 2, 3].map((core) => [core, 0x11, 0x33, core]),
    );
    for (const state of states) {
      expect(state).toMatchObject({ mode: 0x13, masks: { A: true, I: true, F: true }, isNonSecure: false });
      expect(state.system.CNTFRQ).toBe(19_200_000n);
      expect(state.system.NSACR).toBe(0n);
      expect(state.system.VMPIDR & 3n).toBe(BigInt(state.core));
    }
    expect(states[0]!.pc).toBe(ENTRY);
  });

  it('is not reached by cores that are not released: the error names them', async () => {
    // The mailbox that is waited on is the next core's; core 3 waits for one that nobody writes to.
    const broken = Uint8Array.from(bootCode);
    broken[0x58] = 0xdc;
    await expect(stateAtEntry(handoverOf([0, broken]), ENTRY)).rejects.toThrow(/cores? .*3 did not come/);
  });

  it('is reached after a number of instructions that is counted', async () => {
    expect(await countInstructions(bootCode, ENTRY)).toBe(8);
    const steps = await traceBoot(bootCode, ENTRY);
    expect(steps.map((step) => step.address)).toEqual([0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c]);
    expect(steps.filter((step) => step.written !== undefined)).toEqual([
      { address: 0xc, word: 0xee0e_5f10, written: 19_200_000n },
    ]);
  });

  it('is waited for by the other cores in WFE', async () => {
    const steps = await traceBoot(bootCode, ENTRY, 1);
    expect(steps.at(-1)).toEqual({ address: 0x28, word: 0xe320_f002 });
    expect(steps).toHaveLength(11);
  });
});
