/** Prints what the hypervisor costs, counted in the built-in Pi 2, beside Xvisor's figures on the same board. */
import { measureCosts } from '../../test/hypervisor/costs.js';

/** Virtual time for the host's overhead and the guest's speed: a second. */
const MS = 1000;

/**
 * Xvisor 0.3.2, measured in QEMU's raspi2b with its emulated GIC and one vCPU: instructions executed in HYP mode. It
 * owns the board, so that there is no host beside it.
 */
const XVISOR: Readonly<Record<string, string>> = {
  'hypercall, there and back': '464',
  'CP15 register, trapped': '486',
  'GICC_PMR, read': '712',
  'GICC_IAR, read': '2698',
  'GICC_EOIR, write': '2685',
  'PL011, write of a byte': '1240',
  'timer interrupt, from the physical to the guest’s vector': '4933',
  'timer interrupt, all of it (IAR, EOIR, IAR)': '10316',
};
const GOALS: Readonly<Record<string, string>> = {
  'hypercall, there and back': '<= 34',
  'timer interrupt, all of it (IAR, EOIR, IAR)': '<= 586',
  'PL011, write of a byte': '<= 383',
};

const line = (...[what, ...columns]: string[]): void => {
  console.log(what!.padEnd(60) + columns.map((it) => it.padStart(12)).join(''));
};
const percent = (part: number): string => `${(100 * part).toFixed(3)} %`;
const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

const { costs, hostExits, hostInstructions, hostTicks, hostOverhead, guestSpeed, size } =
  await measureCosts(MS);
line('instructions in HYP mode, the most of ten', 'hypberry', 'exits', 'goal', 'Xvisor');
for (const { what, instructions, exits } of costs)
  line(what, String(instructions), String(exits), GOALS[what] ?? '', XVISOR[what] ?? '');
line('interrupt of the host', String(hostInstructions), String(hostExits), '0', '1635');
console.log(`(in ${MS} ms of virtual time, in which the host took ${hostTicks} timer interrupts)`);
console.log();
line('', 'hypberry', '', 'goal', 'Xvisor');
line('in HYP mode on the host’s cores, an idle guest beside it', percent(hostOverhead), '', '< 0.1 %');
line('speed of a busy guest, its timer at 1 kHz, against bare', percent(guestSpeed), '', '>= 99 %');
line('code', kib(size.code), '', '', '');
line('data, with consoles of 64 KiB for 7 guests', kib(size.data), '', '', '');
line('code and data in the file', kib(size.file), '', '<= 48 KiB', '1.5 MB');
line('memory, with a block for copies of the guests’ files', kib(size.memory), '', '', '34 MiB');
