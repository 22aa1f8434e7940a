import { HypberryError } from '../base/errors.js';
import type { CardReader } from '../card/card.js';
import { textSetting, type Config } from './config.js';
import { readSized } from './file-size.js';
import { fdtText, findNode, readFdt, type Fdt } from './fdt.js';
import { mergeOverlay, resolveOverlay } from './overlay.js';
import { firstThere, withPrefix } from './readers.js';
import { DECLARATIONS_LIMIT, setParameter } from './tree-parameter.js';

/**
 * Names that the firmware makes for the bus on the header and its own (documentation, part 3.3), on every board since
 * the second Model B.
 */
const I2C_NAMES: Readonly<Record<string, string>> = {
  i2c: 'i2c1',
  i2c_arm: 'i2c1',
  i2c_vc: 'i2c0',
  i2c_baudrate: 'i2c1_baudrate',
  i2c_arm_baudrate: 'i2c1_baudrate',
  i2c_vc_baudrate: 'i2c0_baudrate',
};

/** Names of lines with parameters, the others' siblings. */
const PARAMETERS = new Set(['dtparam', 'dtparams', 'device_tree_param', 'device_tree_params']);

/** Where overlays are. */
const OVERLAYS = 'overlays/';

/** Overlays and parameters that are applied; real cards have a few dozen. */
const CHANGE_LIMIT = 500;

/** Bytes of all overlays that are applied; those of real cards have some hundred KB together at the most. */
const OVERLAYS_LIMIT = 4 << 20;

/**
 * Applies the `dtoverlay` and `dtparam` lines of config.txt to a tree, in their order. A parameter goes to the overlay
 * before it where that knows it, else to the tree itself. What cannot be applied is left out and noted, as the firmware
 * goes on without it.
 * @param prefix `os_prefix`, as it is in force
 * @param own an overlay that the firmware applies by itself, before them
 */
export async function applyTreeSettings(
  card: CardReader,
  config: Config,
  tree: Fdt,
  prefix: string,
  notes: string[],
  own?: string,
): Promise<void> {
  const lines = [...(own === undefined ? [] : [{ name: 'dtoverlay', value: own }]), ...config.deviceTree];
  if (lines.length === 0) return;
  let overlay: { name: string; fdt: Fdt } | undefined;
  const folder = await overlayFolder(card, config, prefix);
  nameI2c(tree);
  let map: Fdt | undefined;

  let changes = 0;
  const isTooMany = (what: string): boolean => {
    if (changes++ === CHANGE_LIMIT)
      notes.push(`${what} and what follows was not applied: there are more than ${CHANGE_LIMIT}.`);
    return changes > CHANGE_LIMIT;
  };
  let size = 0;
  const attempt = (what: string, change: () => void): void => {
    try {
      change();
    } catch (error) {
      if (!(error instanceof HypberryError)) throw error;
      notes.push(`${what} was not applied: ${error.message}`);
    }
  };
  const finish = (): void => {
    const last = overlay;
    overlay = undefined;
    if (!last) return;
    attempt(`The overlay ${last.name}`, () => {
      mergeOverlay(tree, last.fdt);
    });
  };
  const budget = { bytes: DECLARATIONS_LIMIT };
  const setParameters = (text: string): void => {
    for (const { name, value, written } of parametersOf(text)) {
      if (isTooMany(`dtparam=${written}`)) return;
      attempt(`dtparam=${written}`, () => {
        const known =
          (overlay && setParameter(overlay.fdt, name, value, tree, budget)) ||
          setParameter(tree, name, value, undefined, budget) ||
          setParameter(tree, I2C_NAMES[name] ?? name, value, undefined, budget);
        if (!known)
          throw new HypberryError('tree.overlay', 'there is no such parameter.', 'Correct its name.');
      });
    }
  };

  for (const { name, value } of lines) {
    if (PARAMETERS.has(name)) {
      setParameters(value);
      continue;
    }
    // A comma or a colon ends the name (raspberrypi/firmware, issue 405).
    const end = value.search(/[,:]/);
    const first = end < 0 ? value : value.slice(0, end);
    const rest = end < 0 ? '' : value.slice(end + 1);
    finish();
    if (first === '') continue;
    if (isTooMany(`The overlay ${first}`)) return;
    try {
      map ??= await readMap(card, folder);
      const mapped = mappedName(map, first, notes);
      if (mapped === undefined) continue;
      const bytes = await readOverlay(card, folder, mapped);
      if (!bytes) {
        notes.push(`The overlay ${mapped} is not on the card.`);
        continue;
      }
      size += bytes.length;
      if (size > OVERLAYS_LIMIT) {
        notes.push(
          `The overlay ${first} and what follows was not applied: together they have more than ${OVERLAYS_LIMIT} bytes.`,
        );
        return;
      }
      const read = readFdt(bytes);
      resolveOverlay(tree, read);
      overlay = { name: mapped, fdt: read };
    } catch (error) {
      if (!(error instanceof HypberryError) || error.code.startsWith('card.')) throw error;
      notes.push(`The overlay ${first} was not applied: ${error.message}`);
      continue;
    }
    setParameters(rest);
  }
  finish();
}

/**
 * The parameters in a line: commas and blanks stand between them, a value may stand in quotes; the code of start.elf has
 * these forms since 2015. Without a value it is true.
 */
function* parametersOf(text: string): Generator<{ name: string; value: string; written: string }> {
  for (const match of text.matchAll(/([^,= \t]+)(?:=(?:'([^']*)'?|"([^"]*)"?|([^, \t]*)))?/g)) {
    const [written, name = '', single, double, plain] = match;
    yield { name, value: single ?? double ?? plain ?? 'true', written };
  }
}

/** Overlays are shared by all systems on the card unless there is a README among the prefix's own. */
async function overlayFolder(card: CardReader, config: Config, prefix: string): Promise<string> {
  const folder = textSetting(config, 'overlay_prefix') ?? OVERLAYS;
  return (await card.stat(`${prefix}${folder}README`)) ? prefix + folder : folder;
}

/** The overlay map (documentation, part 2.2.10): which overlay stands for another on which board. */
const MAP = 'overlay_map.dtb';
/** The Pi 2's family in it. */
const PLATFORM = 'bcm2835';

async function readMap(card: CardReader, folder: string): Promise<Fdt> {
  const file = folder + MAP;
  const isThere = (await card.stat(file))?.isFolder === false;
  const bytes = isThere ? await readSized(card, file, 'device tree') : undefined;
  return bytes
    ? readFdt(bytes)
    : { root: { name: '', properties: new Map(), children: [] }, reservations: [], bootCpu: 0 };
}

/** The overlay that is taken for a name, on this board; undefined, and noted, where the map has none. */
function mappedName(map: Fdt, name: string, notes: string[]): string | undefined {
  const node = map.root.children.find((it) => it.name === name);
  if (!node) return name;
  const text = (property: string): string | undefined => {
    const value = node.properties.get(property);
    return value && fdtText(value);
  };
  const here = text(PLATFORM);
  if (here !== undefined) return here === '' ? name : here;
  const renamed = text('renamed');
  if (renamed !== undefined) {
    notes.push(`The overlay ${name} is called ${renamed} now.`);
    return renamed;
  }
  const deprecated = text('deprecated');
  notes.push(
    deprecated === undefined
      ? `The overlay ${name} is not for a Pi 2, and was not applied.`
      : `The overlay ${name} is gone, and was not applied: ${deprecated}.`,
  );
  return undefined;
}

/**
 * `NAME.dtbo`, or the name that overlays had in 2015; a name with a dot is the file's own, also with its folder in front. One
 * that begins with a slash is from the root (documentation of `os_prefix`).
 */
async function readOverlay(card: CardReader, folder: string, name: string): Promise<Uint8Array | undefined> {
  const path = name.startsWith(OVERLAYS) ? name : withPrefix(folder, name);
  const paths = name.includes('.') ? [path] : [`${path}.dtbo`, `${path}-overlay.dtb`];
  const found = await firstThere(card, paths);
  return found === undefined ? undefined : readSized(card, found, 'overlay');
}

/** The same names as labels, for overlays. Trees of 2015 keep their labels among the aliases. */
function nameI2c(tree: Fdt): void {
  for (const labels of [findNode(tree, '/__symbols__')?.properties, findNode(tree, '/aliases')?.properties]) {
    for (const name of ['i2c', 'i2c_arm', 'i2c_vc']) {
      const path = labels?.get(I2C_NAMES[name]!);
      if (path && !labels?.has(name)) labels?.set(name, path);
    }
  }
}
