/** The sources of the hypervisor's body that are made from tables: what it and the rest of the project must agree on. */
import * as exceptions from '../../src/cpu/exceptions.js';
import { bitPlace, resetOf } from '../../src/isa/bits.js';
import { DATA_ABORT_ISS } from '../../src/isa/fault-status.js';
import type { BitPlaces } from '../../src/isa/system-registers.js';
import { SCTLR } from '../../src/isa/system-registers.js';
import * as programStatus from '../../src/isa/program-status.js';
import { CORES, CRYSTAL_HZ, MACHINE_TYPE, PERIPHERAL_BASE } from '../../src/board/bcm2836.js';
import {
  INTERRUPT_CONTROLLER_BASE,
  INTERRUPT_CONTROLLER_REGISTERS,
} from '../../src/board/interrupt-controller.js';
import {
  LOCAL_BASE,
  LOCAL_MAILBOX_STRIDE,
  LOCAL_PRESCALER_BY_1,
  LOCAL_REGISTERS,
} from '../../src/board/local-peripherals.js';
import { PL011_REGISTERS } from '../../src/board/pl011.js';
import type { Registers } from '../../src/board/register.js';
import { RNG_BASE, RNG_REGISTERS } from '../../src/board/rng.js';
import { SYSTEM_TIMER_BASE, SYSTEM_TIMER_REGISTERS } from '../../src/board/system-timer.js';
import type { GuestDevice } from '../../src/hypervisor/shared/guest-machine.js';
import { GUEST_DEVICES, PAGE_SIZE, POWER_KEY_LINE } from '../../src/hypervisor/shared/guest-machine.js';
import { VM_DEVICES, VM_SIZE } from '../../src/hypervisor/shared/layout.js';
import { SAVED_WORD } from '../../src/hypervisor/shared/saved-registers.js';
import { COMMANDS, TEXTS } from '../../src/hypervisor/shared/messages.js';
import { hex } from '../../src/base/words.js';

/** Where they are, from the project's root: made by the build, and not kept in git. */
export const GENERATED = 'src/hypervisor/body/generated';

const header = (what: string, from: string): string =>
  `/** ${what} Made by scripts/lib/hypervisor-sources.ts from ${from}. */\n`;
const capitals = (name: string): string => name.toUpperCase().replaceAll('-', '_');

const constant = (name: string, value: number, type = 'u32'): string =>
  `export const ${name}: ${type} = ${hex(value)};`;

/** A module of constants. */
const constants = (what: string, from: string, lines: readonly string[]): string =>
  `${header(what, from)}${lines.join('\n')}\n`;

/** Registers by their addresses, and their bits as masks, `REGISTER_BIT`. */
function registers(all: Registers, base: number, type: string): string[] {
  return Object.entries(all).flatMap(([name, { offset, bits }]) => [
    constant(name, base + offset, type),
    ...Object.entries(bits).map(([bit, mask]) => constant(`${name}_${bit}`, mask)),
  ]);
}

function board(): ReadonlyMap<string, string> {
  const at = 'usize';
  return new Map([
    [
      'board',
      constants('The BCM2836.', 'src/board/bcm2836.ts', [
        ...Object.entries({ CORES, MACHINE_TYPE, PERIPHERAL_BASE }).map(([name, it]) => constant(name, it)),
        constant('CRYSTAL_HZ', CRYSTAL_HZ, 'u64'),
      ]),
    ],
    [
      'local-peripherals',
      constants('The ARM-local peripherals.', 'src/board/local-peripherals.ts', [
        ...[constant('LOCAL_BASE', LOCAL_BASE, at), constant('LOCAL_MAILBOX_STRIDE', LOCAL_MAILBOX_STRIDE)],
        constant('LOCAL_PRESCALER_BY_1', LOCAL_PRESCALER_BY_1),
        ...registers(LOCAL_REGISTERS, LOCAL_BASE, at),
      ]),
    ],
    [
      'interrupt-controller',
      constants("The board's interrupt controller.", 'src/board/interrupt-controller.ts', [
        ...registers(INTERRUPT_CONTROLLER_REGISTERS, INTERRUPT_CONTROLLER_BASE, at),
      ]),
    ],
    [
      'system-timer',
      constants("The board's system timer.", 'src/board/system-timer.ts', [
        ...registers(SYSTEM_TIMER_REGISTERS, SYSTEM_TIMER_BASE, at),
      ]),
    ],
    [
      'rng',
      constants("The board's random number generator.", 'src/board/rng.ts', [
        ...registers(RNG_REGISTERS, RNG_BASE, at),
      ]),
    ],
    [
      'pl011',
      constants('The PL011, by offsets.', 'src/board/pl011.ts', registers(PL011_REGISTERS, 0, 'u32')),
    ],
  ]);
}

/** Named bits as masks, and of wider fields the lowest bit's number. */
function bitMasks(prefix: string, places: BitPlaces): string[] {
  return Object.entries(places).flatMap(([name, place]) => {
    const { low, width } = bitPlace(place);
    const mask = constant(`${prefix}_${name}`, ((2 ** width - 1) * 2 ** low) >>> 0);
    return width === 1 ? [mask] : [mask, constant(`${prefix}_${name}_SHIFT`, low)];
  });
}

/** Modes, bits of the status registers, exception classes and vectors, reset values. */
function architecture(): string {
  // The order of a module's names is not the same in all that loads modules.
  const numbers = [programStatus, exceptions].flatMap((module) =>
    Object.entries(module)
      .filter((it): it is [string, number] => typeof it[1] === 'number' && /^(?:MODE|EC|VECTOR)_/.test(it[0]))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const { PSR } = programStatus;
  return constants('The ARM architecture.', 'src/isa and src/cpu', [
    ...numbers.map(([name, value]) => constant(name, value)),
    ...bitMasks('PSR', PSR.bits),
    ...bitMasks('ISS', DATA_ABORT_ISS.bits),
    constant('SCTLR_RESET', resetOf(SCTLR)),
  ]);
}

/** Where the world switch saves registers. */
function savedRegisters(): string {
  return constants(
    'Words of what the world switch saves.',
    'src/hypervisor/shared/saved-registers.ts',
    [...SAVED_WORD].map(([name, word]) => constant(`SAVED_${name}`, word)),
  );
}

/** The texts of the hypervisor's messages and commands: for each a function that gives the address of its first byte. */
function messages(): string {
  const lines = Object.entries({ text: TEXTS, command: COMMANDS }).flatMap(([kind, texts]) =>
    Object.keys(texts).flatMap((name) => [
      `// @external('address', '${kind}.${name}')`,
      `export declare function ${kind}${name[0]!.toUpperCase()}${name.slice(1)}(): usize;`,
    ]),
  );
  return `${header('Texts, each with a NUL behind it.', 'src/hypervisor/shared/messages.ts')}${lines.join('\n')}\n`;
}

/** The numbers of a guest's machine: pages, interrupts, and where a machine keeps a device's state. */
function guestConstants(devices: readonly GuestDevice[]): string {
  const lines = [`export const POWER_KEY: u32 = 1 << ${POWER_KEY_LINE};`];
  let state = VM_DEVICES;
  for (const device of devices) {
    const name = capitals(device.name);
    if (device.size > 0) lines.push(`export const ${name}_PAGE: u32 = ${hex(device.base / PAGE_SIZE)};`);
    for (const [interrupt, number] of Object.entries(device.interrupts ?? {}))
      lines.push(`export const ${interrupt}_INTERRUPT: u32 = ${number};`);
    if (device.state !== undefined) {
      lines.push(`export const ${name}_STATE: usize = ${state};`);
      state += device.state;
    }
  }
  if (state > VM_SIZE) throw new Error("the state of the guests' devices does not fit VM_SIZE");
  return `${header("Numbers of a guest's machine.", FROM_MAP)}${lines.join('\n')}\n`;
}
const FROM_MAP = 'src/hypervisor/shared/guest-machine.ts';

/** A function of a switch over the pages of devices; the first of several pages has the offsets from 0 on. */
function overPages(
  devices: readonly GuestDevice[],
  what: (device: GuestDevice, offset: string) => string,
): string[] {
  return devices.flatMap((device) =>
    Array.from({ length: device.size / PAGE_SIZE }, (_, n) => {
      const offset = n === 0 ? 'offset' : `${hex(n * PAGE_SIZE)} | offset`;
      return `    case ${hex(device.base / PAGE_SIZE + n)}:\n      ${what(device, offset)}`;
    }),
  );
}

/** What is done with a guest's access to a device, and with its devices at a reset. */
function dispatch(devices: readonly GuestDevice[]): string {
  const withFile = devices.filter(({ file }) => file !== undefined);
  const imports = withFile.map(({ name, file }) => `import * as ${name} from '../devices/${file!}.js';`);
  const resets = (of: 'machine' | 'vcpu', argument: string): string[] =>
    withFile
      .filter((it) => it.resets?.includes(of))
      .map(({ name }) => `  ${name}.${of === 'machine' ? 'resetMachine' : 'resetVcpu'}(${argument});`);
  return [
    `${header("Devices of a guest's machine.", FROM_MAP)}${imports.join('\n')}`,
    "import { Vcpu, Vm } from '../core/vm.js';\n",
    '/** What comes of a write: there is no device, it is done, or it is to be executed again. */',
    'export const NOT_THERE: u32 = 0;',
    'export const WRITTEN: u32 = 1;',
    'export const AGAIN: u32 = 2;\n',
    "/** Whether a page without memory is a device's. */",
    'export function isDevice(page: u32): bool {',
    '  switch (page) {',
    ...overPages(devices, () => 'return true;'),
    '  }\n  return false;\n}\n',
    "/** Reads the word at an offset, a multiple of 4, of a device's page. */",
    'export function readDevice(vcpu: Vcpu, page: u32, offset: u32): u32 {',
    '  switch (page) {',
    ...overPages(devices, ({ name, file }, offset) =>
      file === undefined ? 'return 0;' : `return ${name}.read(vcpu, ${offset});`,
    ),
    '  }\n  return 0;\n}\n',
    '/** Writes `size` bytes; gives what comes of it. */\n// @inline',
    'export function writeDevice(vcpu: Vcpu, page: u32, offset: u32, size: u32, value: u32): u32 {',
    '  switch (page) {',
    ...overPages(devices, ({ name, file, inPieces }, offset) => {
      const write = `${name}.write(vcpu, ${offset}, size, value)`;
      if (file === undefined) return 'return WRITTEN;';
      return inPieces ? `return ${write} ? WRITTEN : AGAIN;` : `${write};\n      return WRITTEN;`;
    }),
    '  }\n  return NOT_THERE;\n}\n',
    "/** Has the devices of a machine as reset leaves them, as far as they are not its CPUs' own. */",
    'export function resetMachineDevices(vm: Vm): void {',
    ...resets('machine', 'vm'),
    '}\n',
    '/** Has what a CPU has of its own of the devices as reset leaves it. */',
    'export function resetVcpuDevices(vcpu: Vcpu): void {',
    ...resets('vcpu', 'vcpu'),
    '}\n',
  ].join('\n');
}

/**
 * The sources that are made, by their path from the project's root.
 * @param devices of a guest's machine
 */
export function hypervisorSources(
  devices: readonly GuestDevice[] = GUEST_DEVICES,
): ReadonlyMap<string, string> {
  return new Map([
    ...[...board()].map(([name, text]) => [`${GENERATED}/${name}.ts`, text] as const),
    [`${GENERATED}/arm.ts`, architecture()],
    [`${GENERATED}/saved-registers.ts`, savedRegisters()],
    [`${GENERATED}/messages.ts`, messages()],
    [`${GENERATED}/guest-machine.ts`, guestConstants(devices)],
    [`${GENERATED}/dispatch.ts`, dispatch(devices)],
  ]);
}
