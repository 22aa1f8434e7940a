/**
 * What a running Pi, its card and its hypervisor are, as a text to be sent to others. Only what is known to be harmless
 * goes in: numbers, and words of a list. Names, serial numbers, addresses in networks and free text never match.
 */
import { hex, listed } from '../base/words.js';
import type { Setting } from '../firmware/config.js';
import type { HypervisorDescription } from '../hypervisor/image/description.js';
import { NEAR_UARTS } from '../hypervisor/shared/layout.js';
import { COMMANDS, readMessage, TEXTS } from '../hypervisor/shared/messages.js';
import type { Diagnosis, PiFacts } from './doctor.js';

/** What of a running Pi only a report wants. */
export interface PiDetails {
  /** The kernel's command line. */
  readonly commandLine: string | undefined;
  /** The `reg` of the device tree's memory node, as it stands there. */
  readonly memory: Uint8Array | undefined;
  /** Which cores are on, as the kernel lists them: `0-3`. */
  readonly coresOn: string | undefined;
  readonly clockSource: string | undefined;
  /** `/proc/interrupts`. */
  readonly interrupts: string | undefined;
}

/** What a report may look at of a card. */
export interface CardOverview {
  /** When its start.elf was built, as it says. */
  readonly firmwareBuilt: string | undefined;
  /** Our lines in config.txt. */
  readonly installed: readonly string[];
  readonly settings: readonly Setting[];
  /** The hypervisor in the kernel file that it starts. */
  readonly hypervisor: HypervisorDescription | undefined;
}

/** What the hypervisor has said on its console since somebody last read it, its answers to `state` at the end; or why not. */
export type HypervisorSays = { readonly text: string } | { readonly missing: string };

/** All that a report is made of. */
export interface ReportFacts {
  /** Hypberry's own version. */
  readonly version: string;
  readonly pi: PiFacts;
  readonly diagnosis: Diagnosis;
  readonly details: PiDetails;
  /** undefined where the boot folder could not be read. */
  readonly card: CardOverview | undefined;
  readonly says: HypervisorSays;
}

/** How a host's program and the hypervisor talk. */
export const HYPERVISOR_PORT = {
  /** What Linux calls the device whose port the hypervisor's own console is. */
  device: `${NEAR_UARTS.toString(16)}.serial`,
  question: `${COMMANDS.state}\n`,
  /** Whether an answer has come to its end. */
  isAnswered: (text: string): boolean => text.trimEnd().endsWith(TEXTS.stateEnd),
} as const;

const NUMBER = /^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i;
const NOT_KNOWN = 'not known';

/** Options of config.txt that decide on memory, clocks, what starts and how: their values are numbers. */
const SETTINGS = new Set([
  ...['gpu_mem', 'gpu_mem_256', 'gpu_mem_512', 'gpu_mem_1024', 'total_mem', 'cma_lwm', 'cma_hwm'],
  ...['arm_freq', 'arm_freq_min', 'core_freq', 'core_freq_min', 'gpu_freq', 'sdram_freq', 'force_turbo'],
  ...['over_voltage', 'arm_peri_high', 'disable_l2cache', 'init_uart_clock', 'init_uart_baud'],
  ...['enable_uart', 'uart_2ndstage', 'boot_delay', 'kernel_old', 'kernel_address', 'arm_64bit'],
  ...['device_tree_address', 'device_tree_end', 'disable_commandline_tags', 'ramfsaddr', 'arm_control'],
]);

/** The same of the kernel's command line. */
const ARGUMENTS =
  /^(?:dwc_otg\.(?:fiq_enable|fiq_fsm_enable|fiq_fsm_mask|lpm_enable)|maxcpus|nr_cpus|nosmp|mem|cma|loglevel|earlycon|earlyprintk|kvm-arm\.mode|bcm2708\.uart_clock|bcm2709\.uart_clock|smsc95xx\.turbo_mode)(?:=(?:0x[0-9a-f]{1,8}|\d{1,10})[KMG]?)?$/i;

/** What kernels say of modes, cores, timers and memory, without what stands around it. */
const KERNEL_LINES = [
  /Booting Linux on physical CPU 0x[0-9a-f]+/,
  /CPU: All CPU\(s\) started in (?:HYP|SVC) mode/,
  /CPU: WARNING: CPU\(s\) started in wrong\/inconsistent modes \(primary CPU mode 0x[0-9a-f]+\)/,
  /CPU: Virtualization extensions available/,
  /(?:kvm \[\d+\]: )?(?:HYP mode not available|Hyp mode initialized successfully|hyp mode initialized successfully)/i,
  /(?:smp: )?Brought up \d+ (?:node, \d+ )?CPUs/,
  /SMP: Total of \d+ processors activated(?: \([\d.]+ BogoMIPS\))?/,
  /CPU\d+: (?:failed to come online|failed to boot: -?\d+|Booted secondary processor|thread -1, cpu \d+, socket \d+, mpidr [0-9a-f]+)/,
  /bcm2709_boot_secondary\] cpu:\d+ (?:started|failed to start)(?: \(0x[0-9a-f]+\)| \d+)?/,
  /arch_timer: cp15 timer\(?s?\)? running at [\d.]+ ?MHz \((?:phys|virt|hyp)\)/,
  /Architected cp15 timer\(s\) running at [\d.]+MHz \((?:phys|virt)\)/,
  /Switching to clocksource arch_sys_counter|clocksource: Switched to clocksource arch_sys_counter/,
  /Calibrating delay loop(?: \(skipped\), value calculated using timer frequency)?\.\.\.? ?[\d.]+ BogoMIPS/,
  /Memory: \d+K\/\d+K available/,
  /cma: (?:Reserved \d+ MiB at 0x[0-9a-f]+|Failed to reserve \d+ MiB)/,
  /Attached to firmware from [\d:TZ -]+/,
  /unable to map IC registers/,
  /dwc_otg: FIQ (?:enabled|disabled)/i,
  /(?:Unexpected|unexpected) (?:FIQ|IRQ trap at vector [0-9a-f]+)/,
  /irq \d+: nobody cared/,
  /rcu: INFO: rcu_sched (?:self-)?detected stalls?/,
  /hw-breakpoint: found \d+ (?:\(\+\d+ reserved\) )?breakpoint and \d+ watchpoint registers/,
  /armv7_cortex_a7 PMU driver, \d+ counters available/,
];
/** Rows of `/proc/interrupts` by what they are for. */
const INTERRUPTS =
  /\b(?:arch_timer|Timer broadcast interrupts|Rescheduling interrupts|Function call interrupts|dwc_otg|3f980000\.usb|arm-pmu|FIQ|usb_fiq)\b/;
/** Endings of a kernel's release that distributions give; any other may be its builder's. */
const RELEASE =
  /^(\d{1,2}\.\d{1,3}(?:\.\d{1,3})?(?:-rc\d{1,2})?)((?:\+rpt)?(?:-rpi)?(?:-\d{1,3})?(?:-v7l?|-armmp|-raspi2?)?(?:-lpae)?\+?)(.*)$/;
/** What the hypervisor's lines are made of: its own texts, digits and words in hexadecimal. */
const HYPERVISOR_LINE = new RegExp(
  `^(?:${Object.values(TEXTS)
    .map((text) => text.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .filter((text) => text !== '')
    .join('|')}|0x[0-9a-f]{8}|\\d| )+$`,
);
const MODEL = /^Raspberry Pi \d+ Model [AB](?: Plus|\+)?(?: Rev \d\.\d)?$/;

/** Makes the report: lines of ASCII. */
export function piReport({ version, pi, diagnosis, details, card, says }: ReportFacts): string {
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ['Board', boardLines(pi, diagnosis, details)],
    ['Firmware and memory', firmwareLines(pi, details, card)],
    ['Card', cardLines(card)],
    ['Kernel', kernelLines(pi, details)],
    [
      'Hypervisor',
      [
        ...(diagnosis.startedAlone
          ? ['it has started this system alone: less memory than installed for']
          : []),
        ...hypervisorLines(says, card?.hypervisor),
      ],
    ],
  ];
  return [
    `hypberry ${version}: report of a Raspberry Pi, made by "hypberry doctor --report"`,
    'Left out, on purpose: names, serial numbers, addresses in networks, and texts of users and guests.',
    ...sections.flatMap(([title, lines]) => ['', title, ...lines.map((line) => `  ${line}`)]),
    '',
  ].join('\n');
}

function boardLines({ model, revision }: PiFacts, diagnosis: Diagnosis, details: PiDetails): string[] {
  return [
    `model: ${model === undefined ? NOT_KNOWN : (MODEL.exec(model)?.[0] ?? 'another')}`,
    `revision: ${revision === undefined ? NOT_KNOWN : hex(revision)}`,
    `SoC: ${diagnosis.soc !== undefined && /^BCM\d{4}$/.test(diagnosis.soc) ? diagnosis.soc : NOT_KNOWN}`,
    `cores on: ${/^[\d,-]{1,16}$/.exec(details.coresOn ?? '')?.[0] ?? NOT_KNOWN}`,
  ];
}

/** The firmware that runs, and what the ARM has of the memory: 32-bit cells, an address and bytes, pair by pair. */
function firmwareLines(
  { kernelLog }: PiFacts,
  { memory }: PiDetails,
  card: CardOverview | undefined,
): string[] {
  const running = /Attached to firmware from ([\d:TZ -]+)/.exec(kernelLog ?? '')?.[1]?.trim();
  const onCard = /^[A-Z][a-z]{2} [ \d]\d \d{4}(?: \d\d:\d\d:\d\d)?$/.exec(card?.firmwareBuilt ?? '')?.[0];
  const view = memory && new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  const ranges = view
    ? Array.from({ length: Math.floor(view.byteLength / 8) }, (_, i) => {
        const [from, size] = [view.getUint32(8 * i), view.getUint32(8 * i + 4)];
        return `${hex(from, 8)} to ${hex(from + size, 8)}`;
      })
    : [];
  return [
    `running since the start: ${running ?? NOT_KNOWN}`,
    `start.elf on the card: ${onCard ?? NOT_KNOWN}`,
    `memory in the device tree: ${ranges.length > 0 ? ranges.join(', ') : NOT_KNOWN}`,
  ];
}

/** Our lines without the sums in our files' names; the user's own as far as they are in the list. */
function cardLines(card: CardOverview | undefined): string[] {
  if (!card) return ['the boot folder could not be read'];
  const ours = card.installed.flatMap(
    (line) =>
      /^(?:armstub|kernel|device_tree)(?==hypberry-)|^kernel_old=1$|^initramfs(?= )|(?<=^# )diagnostics(?=: on)/.exec(
        line,
      )?.[0] ?? [],
  );
  const settings = card.settings.filter(({ name, value }) => SETTINGS.has(name) && NUMBER.test(value.trim()));
  const { hypervisor } = card;
  return [
    `hypberry's lines in config.txt: ${ours.length > 0 ? listed(ours) : 'none'}`,
    ...settings.map(({ name, value }) => `${name}=${value.trim()}`),
    ...(hypervisor
      ? [
          `hypervisor's plan: ${hex(hypervisor.armMemory, 8)} bytes for the ARM, the host's to ${hex(hypervisor.hostEnd, 8)}, cores 0 to ${hypervisor.hostCores - 1}`,
          ...hypervisor.guests.map(
            ({ memory, cores }, i) =>
              `guest ${i + 1}: ${hex(memory)} bytes, on cores ${listed(cores.map(String))}`,
          ),
        ]
      : []),
  ];
}

function kernelLines({ kernel, kernelLog }: PiFacts, details: PiDetails): string[] {
  const release = RELEASE.exec(kernel ?? '');
  const [, known = '', flavour = '', own = ''] = release ?? [];
  const given = (details.commandLine ?? '').split(/\s+/).filter((word) => ARGUMENTS.test(word));
  const said = (kernelLog ?? '').split('\n').flatMap((line) => {
    const found = KERNEL_LINES.map((it) => it.exec(line)?.[0]).find((it) => it !== undefined);
    return found === undefined ? [] : [found.trimEnd()];
  });
  const rows = (details.interrupts ?? '').split('\n').flatMap((line) => {
    const name = INTERRUPTS.exec(line)?.[0];
    const counts = /^\s*[A-Z0-9]{1,6}:((?:\s+\d+)+)/.exec(line)?.[1];
    return name === undefined || counts === undefined
      ? []
      : [`interrupts, ${name}: ${counts.trim().replace(/\s+/g, ' ')}`];
  });
  return [
    `release: ${release ? `${known}${flavour}${own === '' ? '' : ', and a name of its own'}` : NOT_KNOWN}`,
    `clock: ${/^[a-z_]*(?:counter|timer)$/.exec(details.clockSource ?? '')?.[0] ?? NOT_KNOWN}`,
    `of its command line: ${given.length > 0 ? given.join(' ') : 'nothing that is told'}`,
    ...rows,
    ...(kernelLog === undefined
      ? ['its log could not be read']
      : [...new Set(said)].map((line) => `said: ${line}`)),
  ];
}

/** What the hypervisor says, each guest by its number; and the rate of the core timers, from two answers. */
function hypervisorLines(says: HypervisorSays, hypervisor: HypervisorDescription | undefined): string[] {
  if ('missing' in says) return [says.missing];
  const names = hypervisor?.guests.map(({ name }) => name) ?? [];
  const lines = says.text.split(/[\r\n]+/).flatMap((line) => {
    const message = readMessage(line);
    if (!message || !HYPERVISOR_LINE.test(message.text)) return [];
    const { guest, text } = message;
    if (guest === undefined) return [text];
    if (!names.includes(guest)) names.push(guest);
    return [`guest ${names.indexOf(guest) + 1}: ${text}`];
  });
  return [...lines, `core timers' rate by these: ${timerRate(says.text)}`];
}

/** MHz of the core timers, as the first and the last count beside the system timer's microseconds say. */
function timerRate(text: string): string {
  const counts = [...text.matchAll(/counted 0x([0-9a-f]{8}) at microsecond 0x([0-9a-f]{8})/g)].map(
    ([, ticks = '', microseconds = '']) => ({
      ticks: parseInt(ticks, 16),
      microseconds: parseInt(microseconds, 16),
    }),
  );
  const [first, last] = [counts[0], counts.at(-1)];
  if (!first || !last) return NOT_KNOWN;
  // Both counts are the lower 32 bits.
  const elapsed = (last.microseconds - first.microseconds) >>> 0;
  if (elapsed === 0) return NOT_KNOWN;
  return `${(((last.ticks - first.ticks) >>> 0) / elapsed).toFixed(4)} MHz`;
}
