/** Power State Coordination Interface 1.1 (Arm DEN 0022D), by section of its function descriptions. */
import { beforeEach, describe, expect, test } from 'vitest';
import { CONFIG_HEADER, GUEST_MEMORY, GUEST_RAM } from '../../../src/hypervisor/shared/layout.js';
import type { Machine } from './machine.js';
import { GICC, GICC_PMR, GICD } from '../payloads.js';
import { createMachine, ENTRY } from './machine.js';

const PSCI = {
  VERSION: 0x8400_0000,
  CPU_SUSPEND: 0x8400_0001,
  CPU_OFF: 0x8400_0002,
  CPU_ON: 0x8400_0003,
  AFFINITY_INFO: 0x8400_0004,
  MIGRATE: 0x8400_0005,
  MIGRATE_INFO_TYPE: 0x8400_0006,
  SYSTEM_OFF: 0x8400_0008,
  SYSTEM_RESET: 0x8400_0009,
  FEATURES: 0x8400_000a,
  CPU_FREEZE: 0x8400_000b,
} as const;
const SMCCC = { VERSION: 0x8000_0000, ARCH_FEATURES: 0x8000_0001 } as const;
// Return codes (5.2.2).
const [SUCCESS, NOT_SUPPORTED, INVALID_PARAMETERS, ALREADY_ON] = [0, -1, -2, -4];
const [ON, OFF] = [0, 1];
const [FIRST, SECOND] = [1, 2];
const T = 1 << 5;
const [SVC_MASKED, STATE] = [0x1d3, 0x1ff];
const SECOND_ENTRY = GUEST_RAM + 0x9000;

let machine: Machine;
const call = (core: number, ...args: number[]): number => machine.hvc(core, ...args);
const turnOn = (entry = SECOND_ENTRY, context = 0x77): number => call(FIRST, PSCI.CPU_ON, 1, entry, context);
const status = (core: number): number => Number(machine.get(core, 'SPSR_hyp'));
beforeEach(() => {
  machine = createMachine([FIRST, SECOND]);
});

test('the version is 1.1; there is no Trusted OS to migrate (type 2); unknown functions are not supported', () => {
  expect(call(FIRST, PSCI.VERSION)).toBe(0x1_0001);
  expect(call(FIRST, PSCI.MIGRATE_INFO_TYPE)).toBe(2);
  for (const unknown of [PSCI.MIGRATE, PSCI.CPU_FREEZE, 0x8400_1234, 0x1234, 0xc400_0003])
    expect(call(FIRST, unknown), unknown.toString(16)).toBe(NOT_SUPPORTED);
});

test('PSCI_FEATURES: exactly the functions that there are, none with features (5.15)', () => {
  const has = (id: number): boolean => {
    const answer = call(FIRST, PSCI.FEATURES, id);
    expect([SUCCESS, NOT_SUPPORTED]).toContain(answer);
    return answer === SUCCESS;
  };
  const numbers = Array.from({ length: 0x40 }, (_, n) => PSCI.VERSION + n);
  // Those that 1.0 and later must have (5.1), what has been there since 0.2, and nothing else.
  expect(numbers.filter(has)).toEqual([
    ...[PSCI.VERSION, PSCI.CPU_SUSPEND, PSCI.CPU_OFF, PSCI.CPU_ON, PSCI.AFFINITY_INFO],
    ...[PSCI.MIGRATE_INFO_TYPE, PSCI.SYSTEM_OFF, PSCI.SYSTEM_RESET, PSCI.FEATURES],
  ]);
  // The calling convention's version may be asked for; functions of 64 bits are not there (DEN 0028B, 2.3).
  expect([SMCCC.VERSION, 0xc400_0003, 0, 0xffff_ffff, 0x83ff_ffff].map(has)).toEqual([
    ...[true, false, false, false, false],
  ]);
});

test('the calling convention is 1.1, without workarounds, and keeps all registers but R0 (DEN 0028B, 7)', () => {
  expect(call(FIRST, SMCCC.VERSION)).toBe(0x1_0001);
  for (const known of [SMCCC.VERSION, SMCCC.ARCH_FEATURES])
    expect(call(FIRST, SMCCC.ARCH_FEATURES, known)).toBe(SUCCESS);
  // SMCCC_ARCH_WORKAROUND_1 to 3; a function of PSCI's is none of the architecture's.
  for (const unknown of [0x8000_8000, 0x8000_7fff, 0x8000_3fff, PSCI.VERSION, 0x8000_0002]) {
    expect(call(FIRST, SMCCC.ARCH_FEATURES, unknown), unknown.toString(16)).toBe(NOT_SUPPORTED);
    if (unknown !== PSCI.VERSION) expect(call(FIRST, unknown), unknown.toString(16)).toBe(NOT_SUPPORTED);
  }
  call(FIRST, SMCCC.VERSION, ...Array.from({ length: 12 }, (_, n) => 0x100 + n));
  expect(Array.from({ length: 12 }, (_, n) => machine.register(FIRST, n + 1))).toEqual(
    Array.from({ length: 12 }, (_, n) => 0x100 + n),
  );
});

describe('CPU_ON', () => {
  test('only the first CPU runs at first; the second begins where it is told, its context in R0', () => {
    expect(machine.asleep(SECOND)).toBe(true);
    expect(machine.pc(FIRST)).toBe(ENTRY);
    expect(turnOn()).toBe(SUCCESS);
    expect(machine.asleep(SECOND)).toBe(false);
    expect(machine.pc(SECOND)).toBe(SECOND_ENTRY);
    expect(machine.register(SECOND, 0)).toBe(0x77);
    expect(status(SECOND) & STATE).toBe(SVC_MASKED);
  });

  test('bit 0 of the entry address is for T32', () => {
    turnOn(SECOND_ENTRY | 1);
    expect(machine.pc(SECOND)).toBe(SECOND_ENTRY);
    expect(status(SECOND) & T).toBe(T);
  });

  test('a CPU that is on already, and one that there is not', () => {
    expect(turnOn()).toBe(SUCCESS);
    expect(turnOn()).toBe(ALREADY_ON);
    expect(call(FIRST, PSCI.CPU_ON, 0, SECOND_ENTRY, 0)).toBe(ALREADY_ON);
    for (const target of [2, 0x100, 0x8000_0001, 0xffff_ffff])
      expect(call(FIRST, PSCI.CPU_ON, target, SECOND_ENTRY, 0)).toBe(INVALID_PARAMETERS);
  });

  test('a CPU that was off begins with its registers as after reset', () => {
    turnOn();
    machine.set(SECOND, 'SCTLR', 0xdead_beefn);
    call(SECOND, PSCI.CPU_OFF);
    expect(turnOn()).toBe(SUCCESS);
    // The MMU and the caches are off (6.4.1): M, C, I.
    expect(Number(machine.get(SECOND, 'SCTLR')) & 0x1005).toBe(0);
  });
});

test('CPU_OFF and AFFINITY_INFO', () => {
  expect(call(FIRST, PSCI.AFFINITY_INFO, 1, 0)).toBe(OFF);
  turnOn();
  expect(call(FIRST, PSCI.AFFINITY_INFO, 1, 0)).toBe(ON);
  expect(call(FIRST, PSCI.AFFINITY_INFO, 0, 0)).toBe(ON);
  call(SECOND, PSCI.CPU_OFF);
  expect(machine.asleep(SECOND)).toBe(true);
  expect(call(FIRST, PSCI.AFFINITY_INFO, 1, 0)).toBe(OFF);
  expect(call(FIRST, PSCI.AFFINITY_INFO, 2, 0)).toBe(INVALID_PARAMETERS);
});

test('CPU_SUSPEND waits for an interrupt, and then has been a success', () => {
  // The virtual timer's, in 1000 ticks.
  for (const [address, value] of [
    [GICD, 1],
    [GICD + 0x100, 1 << 27],
    [GICC + GICC_PMR, 0xff],
    [GICC, 1],
  ] as const)
    machine.store(FIRST, address, value);
  machine.set(FIRST, 'CNTV_CVAL', machine.time() - machine.get(FIRST, 'CNTVOFF') + 1000n);
  machine.set(FIRST, 'CNTV_CTL', 1n);
  expect(call(FIRST, PSCI.CPU_SUSPEND, 0, 0, 0)).toBe(SUCCESS);
  expect(machine.asleep(FIRST)).toBe(true);
  machine.advance(999);
  expect(machine.asleep(FIRST)).toBe(true);
  machine.advance(1);
  expect(machine.asleep(FIRST)).toBe(false);
  expect(machine.line(FIRST)).toBe(true);
});

describe('the whole machine', () => {
  const memory = (): number =>
    machine.memory.getUint32(machine.symbol('configuration') + 4 * (CONFIG_HEADER + GUEST_MEMORY), true);

  test('SYSTEM_OFF ends all of its CPUs, for ever', () => {
    turnOn();
    call(FIRST, PSCI.SYSTEM_OFF);
    machine.advance(1e9);
    expect([machine.asleep(FIRST), machine.asleep(SECOND)]).toEqual([true, true]);
  });

  test('SYSTEM_RESET begins with the first CPU alone, in memory as it was', () => {
    turnOn();
    const at = memory();
    machine.memory.setUint32(at + 0x1_0000, 0x1234_5678, true);
    // By the second: the first is told.
    call(SECOND, PSCI.SYSTEM_RESET);
    machine.advance(1);
    expect(machine.memory.getUint32(at + 0x1_0000, true)).toBe(0);
    expect(machine.asleep(FIRST)).toBe(false);
    expect(machine.pc(FIRST)).toBe(ENTRY);
    expect(machine.asleep(SECOND)).toBe(true);
    expect(call(FIRST, PSCI.AFFINITY_INFO, 1, 0)).toBe(OFF);
  });
});
