import { UNCACHED_ALIAS } from './bcm2836.js';
import type { VideoCoreBus } from './videocore-bus.js';

/** What the guest has asked the screen to be. Lengths in pixels, depth in bits. */
export interface Screen {
  width: number;
  height: number;
  virtualWidth: number;
  virtualHeight: number;
  depth: number;
  /** 0 is BGR, 1 RGB. */
  pixelOrder: number;
  alphaMode: number;
  offsetX: number;
  offsetY: number;
}

/** Bytes of the VideoCore's memory before the framebuffer. */
const FRAMEBUFFER_OFFSET = 0x10_0000;

/** The firmware starts each line of pixels on such a boundary, bytes. */
const PITCH_ALIGNMENT = 32;

const DEPTHS = [8, 16, 24, 32];

/** No side of the screen may be longer than this. */
const LONGEST_SIDE = 4096;

/** A piece of the VideoCore's memory that the guest may draw on. Nothing is shown. */
export class Framebuffer {
  readonly state: Screen = {
    width: 640,
    height: 480,
    virtualWidth: 640,
    virtualHeight: 480,
    depth: 16,
    pixelOrder: 1,
    alphaMode: 2,
    offsetX: 0,
    offsetY: 0,
  };

  /** @param vcMemory where the VideoCore's share of RAM lies, bytes */
  constructor(private readonly vcMemory: { readonly base: number; readonly size: number }) {}

  /** Bytes from one line of pixels to the next. */
  pitch(): number {
    const bytes = (this.buffered().width * this.state.depth) / 8;
    return Math.ceil(bytes / PITCH_ALIGNMENT) * PITCH_ALIGNMENT;
  }

  /**
   * Puts the framebuffer into the VideoCore's memory.
   * @returns bus address and size in bytes; zeros when there is not enough memory
   */
  allocate(): { address: number; size: number } {
    const size = this.pitch() * this.buffered().height;
    if (size === 0 || size > this.vcMemory.size - FRAMEBUFFER_OFFSET) return { address: 0, size: 0 };
    // The firmware gives out bus addresses past the caches.
    return { address: (this.vcMemory.base + FRAMEBUFFER_OFFSET + UNCACHED_ALIAS) >>> 0, size };
  }

  /** Where it lies in RAM; nowhere, by its length, when there is not enough memory. */
  place(): { start: number; end: number } {
    const start = this.vcMemory.base + FRAMEBUFFER_OFFSET;
    return { start, end: start + this.allocate().size };
  }

  /** Takes a physical or virtual size if it is one a screen can have. */
  resize(which: 'physical' | 'virtual', width: number, height: number): void {
    if (width === 0 || height === 0 || width > LONGEST_SIDE || height > LONGEST_SIDE) return;
    if (which === 'physical') Object.assign(this.state, { width, height });
    else Object.assign(this.state, { virtualWidth: width, virtualHeight: height });
  }

  /** Takes a depth if it is one a screen can have. */
  setDepth(depth: number): void {
    if (DEPTHS.includes(depth)) this.state.depth = depth;
  }

  /** Moves the screen over its virtual size, no further than that goes. */
  setOffset(x: number, y: number): void {
    const { width, height } = this.buffered();
    this.state.offsetX = Math.min(x, width - this.state.width);
    this.state.offsetY = Math.min(y, height - this.state.height);
  }

  /** The size that is kept: the virtual one, but no less than the screen's. */
  private buffered(): { width: number; height: number } {
    const { width, height, virtualWidth, virtualHeight } = this.state;
    return { width: Math.max(width, virtualWidth), height: Math.max(height, virtualHeight) };
  }

  /**
   * The framebuffer channel, which kernels before 4.4 use: a structure of ten words is filled in
   * (Raspberry Pi documentation, "Mailbox framebuffer interface").
   * @param address bus address of the structure
   * @returns 0 for success
   */
  request(memory: VideoCoreBus, address: number): number {
    const word = (index: number): number => memory.read32(address + 4 * index);
    this.resize('physical', word(0), word(1));
    this.resize('virtual', word(2), word(3));
    this.setDepth(word(5));
    this.setOffset(word(6), word(7));
    const { address: base, size } = this.allocate();
    memory.write32(address + 16, this.pitch());
    memory.write32(address + 32, base);
    memory.write32(address + 36, size);
    return 0;
  }
}
