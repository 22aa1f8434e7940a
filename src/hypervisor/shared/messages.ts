/**
 * What the hypervisor says on its own console, what it is told there, and who reads it. Its body has no strings, so the
 * texts stand here, each at a label, `text.NAME` or `command.NAME`, whose address the body has by `textName()` or
 * `commandName()`.
 */

export const TEXTS = {
  begin: 'hypberry: ',
  separator: ': ',
  end: '\r\n',
  cores: ' cores in HYP mode, host on core',
  fromZero: 's 0 to ',
  only: ' 0',
  started: 'started',
  off: 'powered off',
  unstarted: 'does not start until the host starts it',
  restarts: 'restarts',
  crashed: 'crashed: ',
  vectors: 'no exception vectors',
  stuck: 'a fault at its own exception vector',
  trap: 'a trap of no known kind',
  mode: 'no valid mode',
  pc: ', pc ',
  address: ', address ',
  syndrome: ', syndrome ',
  thenRestarts: '; restarts',
  fault: 'fault in the hypervisor: ',
  resetVector: 'reset vector',
  undefined: 'Undefined Instruction',
  call: 'HVC',
  prefetchAbort: 'Prefetch Abort',
  dataAbort: 'Data Abort',
  coreStops: '; core ',
  stops: ' stops',
  timers: 'core timers, control ',
  prescaler: ', prescaler ',
  frequency: ', CNTFRQ ',
  counted: 'core timers counted ',
  microseconds: ' at microsecond ',
  core: 'core ',
  timersRouting: ', timers routed ',
  mailboxesRouting: ', mailboxes routed ',
  here: 'this core, ACTLR ',
  gpuRouting: ', GPU routed ',
  hostMemory: "memory, the host's to ",
  allMemory: ', all to ',
  begins: 'begins',
  running: ' of its CPUs on',
  stateEnd: 'end of state',
  waits: 'waits for the host, whose program hypberryd does not serve all of its disks yet',
  /** Of a disk, before two digits. */
  serial: 'hypberry-',
  noTime: 'asks for the time, which the host has not given: its clock begins at 1970',
  powerKey: 'power key pressed',
} as const;

/** Lines that the hypervisor acts on when the host sends them to its own console; it says nothing to any other. */
export const COMMANDS = {
  /** It says how timers, memory and guests are; its last line is `TEXTS.stateEnd`. */
  state: 'state',
  /** And a guest's name behind it: its power key is pressed, once, which it may act on. */
  powerKey: 'power-key ',
} as const;

/** What begins the line by which the host is started alone. */
const ALONE = `${TEXTS.begin}the guests do not start: `;

/**
 * What is said on the board's own serial port where the host is started alone, before and behind the MiB that the ARM has.
 * @param needed MiB that the file was made for
 */
export const aloneText = (needed: number): readonly [before: string, behind: string] => [
  `${ALONE}they were installed for an ARM with ${needed} MiB of memory, and it has `,
  ' MiB. Set gpu_mem and total_mem in config.txt as they were, or run "hypberry install" again.\r\n',
];

/** Whether a line of the board's own serial port says that the host is started alone. */
export const saysAlone = (line: string): boolean => line.startsWith(ALONE);

/** Texts behind which a guest does not run. */
const ENDS = ['crashed', 'off', 'unstarted'] as const;

/** A line about a guest, or about the hypervisor itself. */
export interface HypervisorMessage {
  /** undefined for what is no guest's matter. */
  readonly guest: string | undefined;
  /** Whether it says that a guest has crashed, is off or was not started, or that the hypervisor itself has met a fault. */
  readonly end: (typeof ENDS)[number] | 'fault' | undefined;
  /** Whether it says that a guest does not start yet, as it waits for the host. */
  readonly waits: boolean;
  /** What it says, without whom it is about. */
  readonly text: string;
}

/**
 * Reads a line of the hypervisor's console.
 * @param line without what ends it
 * @returns undefined where it is no line of the hypervisor's
 */
export function readMessage(line: string): HypervisorMessage | undefined {
  if (!line.startsWith(TEXTS.begin)) return undefined;
  const what = line.slice(TEXTS.begin.length);
  if (what.startsWith(TEXTS.fault)) return { guest: undefined, end: 'fault', waits: false, text: what };
  const [guest, ...rest] = what.split(TEXTS.separator);
  if (rest.length === 0) return { guest: undefined, end: undefined, waits: false, text: what };
  const text = rest.join(TEXTS.separator);
  const end = ENDS.find((it) => text.startsWith(TEXTS[it]));
  return { guest, end, waits: text.startsWith(TEXTS.waits), text };
}
