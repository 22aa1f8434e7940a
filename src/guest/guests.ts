/** The guests of a card, as a JSON file on its boot partition keeps them. */
import * as z from 'zod';
import { HypberryError } from '../base/errors.js';
import { hex } from '../base/words.js';
import type { CardReader } from '../card/card.js';
import { CORES } from '../board/bcm2836.js';
import { LONGEST_COMMAND_LINE } from '../firmware/command-line.js';
import { GUEST_RAM, VCPUS, VMS } from '../hypervisor/shared/layout.js';
import { checkDevices, deviceEntries, DEVICES_MUST_BE } from './devices.js';

/** Where the guests are kept, from the boot partition's root. */
export const GUESTS_FILE = 'hypberry-guests.json';

/** At most so many guests: the host is a machine, too. */
export const MOST_GUESTS = VMS - 1;
/** All guests together have at most so many virtual CPUs: the host's cores count, too. */
export const MOST_CORES_TOGETHER = VCPUS - CORES;
/** One core at least stays with the host. */
const MOST_CORES = CORES - 1;
/** MiB: below it no kernel of today starts, and above it the Pi 2 has no memory. */
export const LEAST_MEMORY = 16;
export const MOST_MEMORY = 896;
/** Memory is given in steps of what a second stage maps at once, MiB. */
export const MEMORY_STEP = 2;
/** Bytes of the file: a guest has some 6 KB at most, and people may put blanks between. */
const LARGEST_FILE = 256 << 10;

/** Two names are taken: those of the host's console and of the hypervisor's own. */
const GUEST_NAME = /^(?!(?:host|hypberry)$)[a-z0-9][a-z0-9-]{0,14}$/;

const file = z.string().min(1).max(255);

/** Eight digits, a multiple of 4 from where memory begins: all of it is below 0x80000000. */
const LOAD_ADDRESS = /^0x[4-7][0-9a-f]{6}[048c]$/;

const guest = z
  .strictObject({
    name: z
      .string()
      .regex(GUEST_NAME)
      .describe(
        '1 to 15 of a to z, 0 to 9 and "-", not "-" first; not "host" or "hypberry"; no two guests have the same.',
      ),
    kernel: file
      .optional()
      .describe(
        "The kernel: a 32-bit zImage, another flat image, a U-Boot image or an ELF file. A path from the partition's root. A guest has it or firmware.",
      ),
    loadAddress: z
      .string()
      .regex(LOAD_ADDRESS)
      .optional()
      .describe(
        `Where a flat image stands in memory and is entered, such as "0x40010000": a multiple of 4 from ${hex(GUEST_RAM)} on. Without it 0x40008000.`,
      ),
    firmware: file
      .optional()
      .describe(
        "Firmware instead of a kernel: an image for QEMU's virt, which is entered at 0. A path from the partition's root.",
      ),
    initramfs: file
      .optional()
      .describe("The kernel's initramfs, if there is one. A path from the partition's root."),
    memory: z
      .int()
      .min(LEAST_MEMORY)
      .max(MOST_MEMORY)
      .multipleOf(MEMORY_STEP)
      .describe('Memory in MiB, a multiple of 2.'),
    cores: z.int().min(1).max(MOST_CORES).describe('Virtual CPUs, each of which runs on a core of its own.'),
    commandLine: z
      .string()
      .max(LONGEST_COMMAND_LINE)
      .regex(/^[\x20-\x7e]*$/)
      .describe('What the kernel gets as its command line.'),
    autostart: z
      .boolean()
      .optional()
      .describe('Whether it starts with the Pi, as it does without this; else hypberryd starts it.'),
    ...deviceEntries,
  })
  .meta({ title: 'guest' });

const guestsFile = z
  .strictObject({
    $schema: z.string().optional().describe('For editors: where this schema is.'),
    version: z.literal(1),
    guests: z.array(guest).max(MOST_GUESTS),
  })
  .meta({
    title: 'The guests of a card made by hypberry',
    description: `${GUESTS_FILE} on the boot partition`,
  });

/** One guest. */
export type Guest = z.infer<typeof guest>;

/** The file that a guest begins in, and what it is. */
export function programOf({ name, kernel, firmware }: Guest): {
  readonly path: string;
  readonly is: 'kernel' | 'firmware';
} {
  if (kernel !== undefined) return { path: kernel, is: 'kernel' };
  if (firmware !== undefined) return { path: firmware, is: 'firmware' };
  throw new Error(`guest ${name} begins in nothing`);
}

/**
 * Refuses a guest that begins in nothing or in two things.
 * @throws HypberryError `guest.kernel`, `guest.firmware`, `guest.load-address`
 */
function checkProgram({ name, kernel, firmware, loadAddress, initramfs }: Guest): void {
  if (kernel === undefined && firmware === undefined)
    throw new HypberryError(
      'guest.kernel',
      `Guest ${name} has neither a kernel nor firmware.`,
      "Give it a kernel (--kernel), or an image for QEMU's virt that boots a disk (--firmware).",
    );
  if (firmware === undefined) return;
  const refuse = (code: string, what: string, hint: string): never => {
    throw new HypberryError(code, `Guest ${name} has firmware, and ${what}.`, hint);
  };
  if (kernel !== undefined)
    refuse(
      'guest.firmware',
      'a kernel beside it',
      'Give it one of the two: firmware looks for a kernel itself.',
    );
  if (initramfs !== undefined)
    refuse(
      'guest.firmware',
      'an initramfs beside it',
      'Put that on the disk from which the firmware boots ("guest set" takes it away by --no-initramfs).',
    );
  if (loadAddress !== undefined)
    refuse('guest.load-address', 'a load address beside it', 'Firmware is entered at 0.');
}

/** What the file holds. */
export type GuestsFile = z.infer<typeof guestsFile>;

/** The schema of the guests' file, as JSON Schema 2020-12: schema/guests.json in the package. */
export function guestsSchema(): unknown {
  return z.toJSONSchema(guestsFile);
}

function damaged(what: string, options?: ErrorOptions): HypberryError {
  return new HypberryError(
    'guest.file-damaged',
    `${GUESTS_FILE} cannot be used: ${what}.`,
    'Correct it by hand (schema/guests.json in the hypberry package says what it may hold), or remove it and add the guests again.',
    options,
  );
}

/** Where in the file something is, as JavaScript would say it. */
function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}${text && '.'}${String(part)}`),
    '',
  );
}

/** What each entry must be, for people. */
const MUST_BE: Readonly<Record<string, string>> = {
  version: '1',
  guests: `a list of at most ${MOST_GUESTS} guests`,
  name: '1 to 15 of a to z, 0 to 9 and "-", not "-" first, and neither "host" nor "hypberry"',
  kernel: "a path from the partition's root",
  firmware: "a path from the partition's root",
  loadAddress: `an address in memory such as "0x40010000", a multiple of 4 from ${hex(GUEST_RAM)} on`,
  initramfs: "a path from the partition's root",
  memory: `an even number of MiB from ${LEAST_MEMORY} to ${MOST_MEMORY}`,
  cores: `a number from 1 to ${MOST_CORES}`,
  commandLine: `a text of at most ${LONGEST_COMMAND_LINE} printable ASCII characters`,
  autostart: 'true or false',
  ...DEVICES_MUST_BE,
};

/** What is wrong with a value that is no file of guests. */
function faultOf(value: unknown, issues: readonly z.core.$ZodIssue[]): string {
  const unknown = issues.find((it) => it.code === 'unrecognized_keys');
  // It may stand for one that is missed.
  if (unknown) return `${placeOf([...unknown.path, unknown.keys[0]!])} is nothing that hypberry knows`;
  const { path } = issues[0]!;
  const found = path.reduce<unknown>(
    (at, part) => (at as Record<PropertyKey, unknown> | undefined)?.[part],
    value,
  );
  const last = path.at(-1);
  const must = typeof last === 'string' ? (MUST_BE[last] ?? 'a text') : 'an object in braces';
  const place = placeOf(path) || 'the whole';
  return found === undefined ? `${place} is missing` : `${place} must be ${must}`;
}

/** What JSON.parse says against a text, in one line, with the line of the file where it says the position. */
function notJson(text: string, { message }: Error): string {
  const position = /^(.*?)(?: in JSON)? at position (\d+)/s.exec(message);
  const line = position && text.slice(0, Number(position[2])).split('\n').length;
  return `it is not JSON (${(position ? `line ${line}: ${position[1]}` : message).replace(/\s+/g, ' ')})`;
}

/**
 * What a file's text holds.
 * @throws HypberryError `guest.file-damaged`
 */
export function parseGuestsFile(text: string): GuestsFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(notJson(text, error as Error), { cause: error });
  }
  const { data, error } = guestsFile.safeParse(value);
  if (error) throw damaged(faultOf(value, error.issues));
  const names = data.guests.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw damaged(`two guests are named ${twice}`);
  const bare = data.guests.findIndex(
    ({ kernel, firmware }) => kernel === undefined && firmware === undefined,
  );
  if (bare >= 0) throw damaged(`guests[${bare}].kernel is missing`);
  try {
    data.guests.forEach(checkProgram);
    checkDevices(data.guests);
  } catch (cause) {
    throw damaged((cause as Error).message.replace(/\.$/, ''), { cause });
  }
  return data;
}

/**
 * The file's bytes for some guests.
 * @param $schema where an editor finds the schema, if the file says so
 */
export function writeGuests(guests: readonly Guest[], $schema?: string): Uint8Array {
  const content = { ...($schema !== undefined && { $schema }), version: 1, guests };
  return new TextEncoder().encode(`${JSON.stringify(content, undefined, 2)}\n`);
}

/**
 * The guests of a card; none where there is no file.
 * @throws HypberryError `guest.file-damaged`, and what the card throws
 */
export async function readGuests(card: CardReader): Promise<Guest[]> {
  return (await readGuestsFile(card)).guests;
}

/**
 * What the file of a card's guests holds; no guests where there is no file.
 * @throws HypberryError `guest.file-damaged`, `guest.file-size`, and what the card throws
 */
export async function readGuestsFile(card: CardReader): Promise<GuestsFile> {
  const entry = await card.stat(GUESTS_FILE);
  if (!entry) return { version: 1, guests: [] };
  if (entry.size > LARGEST_FILE) {
    throw new HypberryError(
      'guest.file-size',
      `${GUESTS_FILE} has ${entry.size} bytes, and seven guests fill no more than ${LARGEST_FILE}.`,
      'Remove it and add the guests again; a damaged file system may say so too (fsck.vfat).',
    );
  }
  const bytes = await card.read(GUESTS_FILE);
  try {
    return parseGuestsFile(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof TypeError) throw damaged('it is not UTF-8', { cause: error });
    throw error;
  }
}

/**
 * A guest with everything as the file wants it, in the file's order.
 * @throws HypberryError `guest.name`, `guest.memory`, `guest.cores`, `guest.command-line`, `guest.kernel`, `guest.firmware`,
 *   `guest.load-address`, and what {@link checkDevices} throws
 */
export function checkGuest(wanted: Guest): Guest {
  checkDevices([wanted]);
  checkProgram(wanted);
  const { data, error } = guest.safeParse(wanted);
  if (data) return data;
  switch (error.issues[0]?.path[0]) {
    case 'name':
      throw new HypberryError(
        'guest.name',
        `"${wanted.name}" cannot be a guest's name.`,
        'Use 1 to 15 of the letters a to z, digits and dashes, with no dash first; host and hypberry are taken.',
      );
    case 'memory':
      throw new HypberryError(
        'guest.memory',
        `A guest cannot have ${wanted.memory} MiB of memory.`,
        `Give it an even number of MiB, at least ${LEAST_MEMORY}, and so few that enough is left for the host.`,
      );
    case 'cores':
      throw new HypberryError(
        'guest.cores',
        `A guest cannot have ${wanted.cores} cores: the Pi 2 has ${CORES}, and one stays with the host.`,
        `Give it 1 to ${MOST_CORES}.`,
      );
    case 'loadAddress':
      throw new HypberryError(
        'guest.load-address',
        `A guest's kernel cannot stand at "${wanted.loadAddress}".`,
        `Use ${MUST_BE['loadAddress']}.`,
      );
    default:
      throw new HypberryError(
        'guest.command-line',
        'This cannot be a command line.',
        `Use at most ${LONGEST_COMMAND_LINE} printable ASCII characters.`,
      );
  }
}
