import { ascii, readU32BE, writeU32BE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';

/** A node of a device tree. Properties and children keep the order of the file. */
export interface FdtNode {
  /** With its unit address (`gpio@7e200000`); the root's is empty. */
  name: string;
  readonly properties: Map<string, Uint8Array>;
  readonly children: FdtNode[];
}

/** A device tree in memory, to be changed freely and written back. */
export interface Fdt {
  readonly root: FdtNode;
  /** Memory that the kernel must keep its hands off: physical address and bytes. */
  readonly reservations: { address: bigint; size: bigint }[];
  /** Physical id of the boot CPU, from the header. */
  bootCpu: number;
}

/** Header of a flattened tree (Devicetree Specification 0.4, section 5.2): offsets of its big-endian words. */
const HEADER = {
  MAGIC_AT: 0x00,
  TOTAL_SIZE_AT: 0x04,
  STRUCT_AT: 0x08,
  STRINGS_AT: 0x0c,
  RESERVE_MAP_AT: 0x10,
  VERSION_AT: 0x14,
  LAST_COMPATIBLE_AT: 0x18,
  BOOT_CPU_AT: 0x1c,
  STRINGS_SIZE_AT: 0x20,
  STRUCT_SIZE_AT: 0x24,
  SIZE: 0x28,
} as const;
const MAGIC = 0xd00d_feed;
/** The version written, and the oldest one it can be read as. */
const VERSION = 17;
const LAST_COMPATIBLE = 16;
/** Tokens of the structure block (section 5.4.1). */
const TOKEN = { BEGIN_NODE: 1, END_NODE: 2, PROP: 3, NOP: 4, END: 9 } as const;
/** Bytes of an entry of the reserve map: two 64-bit numbers. */
const RESERVATION_SIZE = 16;
/** Deeper trees are damaged ones. */
const DEPTH_LIMIT = 64;
/** Bytes that a tree may have by its own account; real ones stay below 100 KB. */
export const FDT_SIZE_LIMIT = 256 << 10;

function damaged(code: string, what: string): HypberryError {
  return new HypberryError(
    `tree.${code}`,
    `The device tree is damaged: ${what}.`,
    'Put a good copy of the .dtb file on the boot partition.',
  );
}

/** What is refused where an overlay or a parameter cannot be applied. */
export function unfit(what: string): HypberryError {
  return new HypberryError(
    'tree.overlay',
    `The overlay cannot be applied: ${what}.`,
    'Take overlay and device tree from the same kernel release.',
  );
}

/** Whether bytes begin like a flattened device tree. */
export function isFdt(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && readU32BE(bytes, 0) === MAGIC;
}

/**
 * Reads a flattened device tree of version 16 or 17; bytes behind its stated size are left out.
 * Throws `tree.magic`, `tree.truncated`, `tree.version`, `tree.bounds` (a block outside the file), `tree.structure`
 * (nesting, tokens, lengths), `tree.strings` (a property's name).
 */
export function readFdt(bytes: Uint8Array): Fdt {
  if (!isFdt(bytes)) {
    throw new HypberryError(
      'tree.magic',
      'The file is not a device tree: it does not begin with d00dfeed.',
      'Name a .dtb file.',
    );
  }
  if (bytes.length < HEADER.SIZE) throw damaged('truncated', 'it ends inside its header');
  const word = (offset: number): number => readU32BE(bytes, offset);
  const total = word(HEADER.TOTAL_SIZE_AT);
  if (total > bytes.length)
    throw damaged('truncated', `it says ${total} bytes, the file has ${bytes.length}`);
  if (total < HEADER.SIZE || total > FDT_SIZE_LIMIT) throw damaged('bounds', `it says ${total} bytes`);
  if (word(HEADER.VERSION_AT) < LAST_COMPATIBLE || word(HEADER.LAST_COMPATIBLE_AT) > VERSION) {
    throw new HypberryError(
      'tree.version',
      `The device tree has format version ${word(HEADER.VERSION_AT)}; 16 and 17 are known.`,
      'Compile the tree with a current dtc.',
    );
  }
  const stringsAt = word(HEADER.STRINGS_AT);
  const strings = block(bytes, total, stringsAt, word(HEADER.STRINGS_SIZE_AT), 'strings');
  const structAt = word(HEADER.STRUCT_AT);
  // Version 16 has no size of the structure block; its end token ends it.
  const structSize = word(HEADER.VERSION_AT) >= 17 ? word(HEADER.STRUCT_SIZE_AT) : total - structAt;
  if (structAt % 4 !== 0) throw damaged('bounds', 'its structure block is not aligned');
  const structure = block(bytes, total, structAt, structSize, 'structure');
  return {
    root: readStructure(structure, strings),
    reservations: readReservations(bytes.subarray(0, total), word(HEADER.RESERVE_MAP_AT)),
    bootCpu: word(HEADER.BOOT_CPU_AT),
  };
}

function block(bytes: Uint8Array, total: number, at: number, size: number, name: string): Uint8Array {
  if (at < HEADER.SIZE || at + size > total)
    throw damaged('bounds', `its ${name} block lies outside the file`);
  return bytes.subarray(at, at + size);
}

function readReservations(bytes: Uint8Array, start: number): Fdt['reservations'] {
  const reservations: Fdt['reservations'] = [];
  if (start < HEADER.SIZE || start % 8 !== 0)
    throw damaged('bounds', 'its reserve map lies outside the file');
  for (let at = start; ; at += RESERVATION_SIZE) {
    if (at + RESERVATION_SIZE > bytes.length) throw damaged('bounds', 'its reserve map has no end');
    const long = (offset: number): bigint =>
      (BigInt(readU32BE(bytes, offset)) << 32n) | BigInt(readU32BE(bytes, offset + 4));
    const [address, size] = [long(at), long(at + 8)];
    if (address === 0n && size === 0n) return reservations;
    reservations.push({ address, size });
  }
}

function readStructure(structure: Uint8Array, strings: Uint8Array): FdtNode {
  let at = 0;
  const next = (): number => {
    if (at + 4 > structure.length) throw damaged('structure', 'its structure block has no end');
    at += 4;
    return readU32BE(structure, at - 4);
  };
  let root: FdtNode | undefined;
  const open: FdtNode[] = [];
  for (;;) {
    const token = next();
    const parent = open[open.length - 1];
    if (token === TOKEN.BEGIN_NODE) {
      const end = structure.indexOf(0, at);
      if (end < 0) throw damaged('structure', 'a node name has no end');
      const node: FdtNode = {
        name: decode(structure.subarray(at, end)),
        properties: new Map(),
        children: [],
      };
      at = align(end + 1);
      if (open.length >= DEPTH_LIMIT)
        throw damaged('structure', `its nodes are nested more than ${DEPTH_LIMIT} deep`);
      if (parent) parent.children.push(node);
      else if (root) throw damaged('structure', 'it has two roots');
      else root = node;
      open.push(node);
    } else if (token === TOKEN.END_NODE) {
      if (!open.pop()) throw damaged('structure', 'a node ends that never began');
    } else if (token === TOKEN.PROP) {
      const length = next();
      const nameAt = next();
      if (!parent) throw damaged('structure', 'a property stands outside all nodes');
      if (at + length > structure.length) throw damaged('structure', 'a property reaches past the end');
      const nameEnd = strings.indexOf(0, nameAt);
      if (nameAt >= strings.length || nameEnd < 0)
        throw damaged('strings', 'the name of a property lies outside the strings');
      parent.properties.set(
        decode(strings.subarray(nameAt, nameEnd)),
        new Uint8Array(structure.subarray(at, at + length)),
      );
      at = align(at + length);
    } else if (token === TOKEN.END) {
      if (!root || open.length > 0) throw damaged('structure', 'it ends inside a node');
      return root;
    } else if (token !== TOKEN.NOP) {
      throw damaged('structure', `it has a token ${token}`);
    }
  }
}

const align = (offset: number): number => (offset + 3) & ~3;

/** Names are ASCII; other bytes come through as Latin-1, and go back the same. */
const decode = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};

/** Writes a tree as a flattened one of version 17, without room to spare. */
export function writeFdt(fdt: Fdt): Uint8Array<ArrayBuffer> {
  const strings = new Map<string, number>();
  let stringsSize = 0;
  const nameOffset = (name: string): number => {
    const known = strings.get(name);
    if (known !== undefined) return known;
    strings.set(name, stringsSize);
    stringsSize += name.length + 1;
    return strings.get(name)!;
  };
  const words: (number | Uint8Array)[] = [];
  const writeNode = (node: FdtNode): void => {
    words.push(TOKEN.BEGIN_NODE, ascii(`${node.name}\0`));
    for (const [name, value] of node.properties)
      words.push(TOKEN.PROP, value.length, nameOffset(name), value);
    node.children.forEach(writeNode);
    words.push(TOKEN.END_NODE);
  };
  writeNode(fdt.root);
  words.push(TOKEN.END);

  const reserveMapAt = HEADER.SIZE;
  const structAt = reserveMapAt + (fdt.reservations.length + 1) * RESERVATION_SIZE;
  const structSize = words.reduce<number>(
    (sum, word) => sum + (typeof word === 'number' ? 4 : align(word.length)),
    0,
  );
  const stringsAt = structAt + structSize;
  const bytes = new Uint8Array(stringsAt + stringsSize);
  const view = new DataView(bytes.buffer);
  const header: readonly (readonly [number, number])[] = [
    [HEADER.MAGIC_AT, MAGIC],
    [HEADER.TOTAL_SIZE_AT, bytes.length],
    [HEADER.STRUCT_AT, structAt],
    [HEADER.STRINGS_AT, stringsAt],
    [HEADER.RESERVE_MAP_AT, reserveMapAt],
    [HEADER.VERSION_AT, VERSION],
    [HEADER.LAST_COMPATIBLE_AT, LAST_COMPATIBLE],
    [HEADER.BOOT_CPU_AT, fdt.bootCpu],
    [HEADER.STRINGS_SIZE_AT, stringsSize],
    [HEADER.STRUCT_SIZE_AT, structSize],
  ];
  for (const [at, value] of header) writeU32BE(bytes, at, value);
  fdt.reservations.forEach(({ address, size }, i) => {
    view.setBigUint64(reserveMapAt + i * RESERVATION_SIZE, address);
    view.setBigUint64(reserveMapAt + i * RESERVATION_SIZE + 8, size);
  });
  let at = structAt;
  for (const word of words) {
    if (typeof word === 'number') {
      writeU32BE(bytes, at, word);
      at += 4;
    } else {
      bytes.set(word, at);
      at += align(word.length);
    }
  }
  for (const [name, offset] of strings) bytes.set(ascii(name), stringsAt + offset);
  return bytes;
}

/** A copy that can be changed by itself. The values of properties are shared: they are replaced, never written into. */
export function copyFdt({ root, reservations, bootCpu }: Fdt): Fdt {
  return { root: copyNode(root), reservations: reservations.map((one) => ({ ...one })), bootCpu };
}

/** The same of a node with all below it. */
export function copyNode({ name, properties, children }: FdtNode): FdtNode {
  return { name, properties: new Map(properties), children: children.map(copyNode) };
}

/** Notes a node as it is, before it is changed. */
export type Before = (node: FdtNode) => void;

/**
 * Does a change to nodes, wholly or not at all: where it throws, they are as they were.
 * @param change says of each node, before it changes name, properties or children of it
 * @returns what the change gives; throws what it throws
 */
export function wholly<T>(change: (before: Before) => T): T {
  const saved = new Map<FdtNode, FdtNode>();
  try {
    return change((node) => {
      if (!saved.has(node))
        saved.set(node, { ...node, properties: new Map(node.properties), children: [...node.children] });
    });
  } catch (error) {
    for (const [node, { name, properties, children }] of saved) {
      node.name = name;
      node.properties.clear();
      for (const [property, value] of properties) node.properties.set(property, value);
      node.children.length = 0;
      for (const child of children) node.children.push(child);
    }
    throw error;
  }
}

/** A tree with an empty root. */
export function emptyFdt(): Fdt {
  return { root: { name: '', properties: new Map(), children: [] }, reservations: [], bootCpu: 0 };
}

/**
 * The node at `path`: from the root (`/soc/gpio@7e200000`), or from an alias (`ethernet0/child`). A name without unit
 * address finds the first node of that name. Undefined where there is none.
 */
export function findNode(fdt: Fdt, path: string): FdtNode | undefined {
  const [first = '', ...rest] = path.split('/');
  let node: FdtNode | undefined = fdt.root;
  if (first !== '') {
    const alias = fdt.root.children.find(({ name }) => name === 'aliases')?.properties.get(first);
    const target = alias && fdtText(alias);
    // An alias names a path; one that names another alias is no path.
    node = target?.startsWith('/') ? findNode(fdt, target) : undefined;
  }
  for (const name of rest.filter((part) => part !== '')) {
    node =
      node?.children.find((child) => child.name === name) ??
      node?.children.find((child) => child.name.split('@')[0] === name);
  }
  return node;
}

/** The node at a path from the root, made with all above it where it is not there. */
export function ensureNode(fdt: Fdt, path: string): FdtNode {
  let node = fdt.root;
  let so = '';
  for (const name of path.split('/').filter((part) => part !== '')) {
    so += `/${name}`;
    let child = findNode(fdt, so);
    if (!child) {
      child = { name, properties: new Map(), children: [] };
      node.children.push(child);
    }
    node = child;
  }
  return node;
}

/** A property's first text, without its NUL. */
export function fdtText(value: Uint8Array): string {
  const end = value.indexOf(0);
  return decode(end < 0 ? value : value.subarray(0, end));
}

/** A text as a property's value, with a NUL behind. One byte for each character, up to U+00FF. */
export function fdtFromText(text: string): Uint8Array {
  return ascii(`${text}\0`);
}

/** Arguments of the kernel behind those that are there: in trees they add up, as Raspberry Pi's own dtmerge has it. */
export function argumentsBehind(old: Uint8Array | undefined, more: Uint8Array): Uint8Array {
  const before = old ? fdtText(old) : '';
  return before === '' ? more : fdtFromText(`${before} ${fdtText(more)}`);
}

/** A property's value as 32-bit cells; bytes beyond whole cells are left out. */
export function fdtCells(value: Uint8Array): number[] {
  return Array.from({ length: value.length >>> 2 }, (_, i) => readU32BE(value, 4 * i));
}

/** 32-bit cells as a property's value. */
export function fdtFromCells(...cells: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * cells.length);
  cells.forEach((cell, i) => {
    writeU32BE(bytes, 4 * i, cell);
  });
  return bytes;
}
