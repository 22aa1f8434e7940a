/**
 * Physical memory. Nothing else knows where RAM stands in the WebAssembly.Memory, but for its other half in
 * AssemblyScript (interpreter/physical-memory.ts): instruction fetches, table walks, data accesses, devices, loaders and
 * those who look on each come by a name of their own. Addresses are physical, values little-endian and unsigned; all
 * bytes of an access are in RAM.
 */
import type { DeviceMemory } from '../ports/memory.js';
import * as L from './layout.js';
import type { Machine } from './state.js';
import { type Memory, webAssembly } from '../wasm/webassembly.js';

const WASM_PAGE = 0x10000;

/** Makes the memory that all of the processor stands in, with RAM of so many bytes at its end. */
export function allocateMemory(ramSize: number): Memory {
  const pages = Math.ceil((L.RAM + ramSize) / WASM_PAGE);
  return new webAssembly.Memory({ initial: pages, maximum: pages });
}

/** An A32 instruction. */
export function fetchWord({ u32 }: Machine, physical: number): number {
  return u32[(L.RAM + physical) >>> 2]!;
}

/** A T32 instruction, or half of one. */
export function fetchHalfword({ u16 }: Machine, physical: number): number {
  return u16[(L.RAM + physical) >>> 1]!;
}

/** A word of a translation table. */
export function readTableWord({ u32 }: Machine, physical: number): number {
  return u32[(L.RAM + physical) >>> 2]!;
}

/** Reads what a load reads that the interpreter leaves to TypeScript; it need not be aligned. */
export function readData(m: Machine, physical: number, size: 1 | 2 | 4): number {
  const at = L.RAM + physical;
  if (at % size === 0) return size === 4 ? m.u32[at >>> 2]! : size === 2 ? m.u16[at >>> 1]! : m.u8[at]!;
  let value = 0;
  for (let i = 0; i < size; i++) value += m.u8[at + i]! * 2 ** (8 * i);
  return value;
}

/** Writes what such a store writes. Code that was decoded from there is the caller's to forget. */
export function writeData(m: Machine, physical: number, size: 1 | 2 | 4, value: number): void {
  const at = L.RAM + physical;
  if (size === 4 && at % 4 === 0) m.u32[at >>> 2] = value;
  else for (let i = 0; i < size; i++) m.u8[at + i] = (value >>> (8 * i)) & 0xff;
}

/** Where a word of RAM stands among all words of the processor, registers too. */
export function placeOfWord(physical: number): number {
  return L.RAM + physical;
}

/**
 * What the interpreter adds to a virtual address to reach RAM by itself, for a page that the TLB knows: the fast path
 * of loads, stores and exclusives, and of fetches from code that is decoded.
 * @param page virtual address of a page
 * @param physical the same page's physical address
 */
export function fastAddend(page: number, physical: number): number {
  return L.RAM + physical - page;
}

/** Pages, in which RAM is translated and saved. */
const PAGE_SHIFT = 12;
const PAGE = 1 << PAGE_SHIFT;

/** To be called where a page of RAM may be written by the interpreter, or by a store of TypeScript's. */
export function mayBeWritten({ written }: Machine, physical: number): void {
  written[physical >>> PAGE_SHIFT] = 1;
}

/** The stretches of RAM that are not all zero, by pages: physical address and bytes. */
export type SavedMemory = Iterable<{ readonly address: number; readonly data: Uint8Array }>;

/** RAM for all but the cores. */
export interface PhysicalMemory {
  /** Bytes from address 0. */
  readonly size: number;
  /** For devices: code that was decoded from what they write is forgotten. */
  readonly device: DeviceMemory;
  /** Puts bytes there, as a loader or a debugger does. */
  load(address: number, data: Uint8Array): void;
  /**
   * RAM as whoever looks on sees it, all of it or `length` bytes: no copy, it changes as the machine runs, and it is
   * not for writing.
   */
  observe(address?: number, length?: number): Uint8Array;
  /** @param copy whether it is a copy; otherwise it is RAM as it is when it is read */
  save(copy: boolean): SavedMemory;
  /** All of RAM becomes what was saved. Decoded code is the caller's to forget. */
  restore(saved: SavedMemory): void;
}

/**
 * RAM for devices, loaders and those who look on.
 * @param changed is told of every write but {@link PhysicalMemory.restore}'s (address, bytes)
 */
export function physicalMemory(
  m: Machine,
  changed: (address: number, length: number) => void,
): PhysicalMemory {
  const size = m.ramSize;
  const ram = new Uint8Array(m.u8.buffer, L.RAM, size);
  const view = new DataView(m.u8.buffer, L.RAM, size);
  const { written } = m;
  const mark = (address: number, length: number): void => {
    written.fill(1, address >>> PAGE_SHIFT, ((address + length - 1) >>> PAGE_SHIFT) + 1);
  };
  const note = (address: number, length: number): void => {
    mark(address, length);
    changed(address, length);
  };
  const write = (address: number, bytes: Uint8Array): void => {
    ram.set(bytes, address);
    note(address, bytes.length);
  };
  return {
    size,
    device: {
      size,
      read32: (address) => view.getUint32(address, true),
      write32: (address, value) => {
        view.setUint32(address, value, true);
        note(address, 4);
      },
      read: (address, length) => ram.slice(address, address + length),
      write,
    },
    load: (address, data) => {
      write(address, data);
    },
    observe: (address = 0, length = size - address) => ram.subarray(address, address + length),
    save: (copy) =>
      copy
        ? usedStretches(ram, written).map(({ address, end }) => ({ address, data: ram.slice(address, end) }))
        : {
            *[Symbol.iterator]() {
              for (const { address, end } of usedStretches(ram, written))
                yield { address, data: ram.subarray(address, end) };
            },
          },
    restore: (saved) => {
      for (const { address, end } of usedStretches(ram, written)) ram.fill(0, address, end);
      written.fill(0);
      for (const { address, data } of saved) {
        ram.set(data, address);
        mark(address, data.length);
      }
    },
  };
}

/**
 * The stretches of pages that are not all zero.
 * @param written pages that may have been written: to look at others would have the system find memory for them
 */
function usedStretches(ram: Uint8Array, written: Uint8Array): { readonly address: number; end: number }[] {
  const words = new Int32Array(ram.buffer, ram.byteOffset, ram.length / 4);
  const used: { readonly address: number; end: number }[] = [];
  for (let page = written.indexOf(1); page >= 0; page = written.indexOf(1, page + 1)) {
    const address = page * PAGE;
    const end = (address + PAGE) / 4;
    let at = address / 4;
    while (at < end && words[at] === 0) at++;
    if (at === end) continue;
    const last = used.at(-1);
    if (last?.end === address) last.end += PAGE;
    else used.push({ address, end: address + PAGE });
  }
  return used;
}
