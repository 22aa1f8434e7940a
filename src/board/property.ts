import { ascii } from '../base/bytes.js';
import { hex } from '../base/words.js';
import { UART_CLOCK_HZ } from './pl011.js';
import type { Framebuffer } from './framebuffer.js';
import type { Log } from './device.js';
import type { VideoCoreBus } from './videocore-bus.js';

/**
 * The property channel, on which the ARM asks the firmware for the board's facts and settings
 * (Raspberry Pi documentation, "Mailbox property interface").
 */

/** What a board is, for as long as it runs. */
export interface BoardIdentity {
  /** Board revision code. */
  readonly revision: number;
  /** Serial number, 64 bits. */
  readonly serial: bigint;
  /** When the firmware was built, seconds since 1970. */
  readonly firmwareRevision: number;
  /** The kernel's command line. */
  readonly commandLine: string;
  /** Bytes of RAM from 0 that are the ARM's; the rest up to `ramSize` is the VideoCore's. */
  readonly armMemory: number;
  readonly ramSize: number;
}

/** The buffer's second word. */
const BUFFER = { SUCCESS: 0x8000_0000, ERROR: 0x8000_0001 } as const;

/** Set in a tag's third word once it is answered; the rest is the answer's length in bytes. */
const TAG_ANSWERED = 0x8000_0000;

const BUFFER_HEADER = 8;
const TAG_HEADER = 12;

/** The firmware refuses buffers of 1 MiB; no real one comes near this. */
const LONGEST_BUFFER = 0x4000;

/** Ids of clocks, with their rates as the firmware starts a Pi 2, Hz. */
const CLOCKS = new Map<number, { rate: number; readonly least: number; readonly most: number }>(
  (
    [
      [1, 250e6, 250e6, 250e6], // EMMC
      [2, UART_CLOCK_HZ, 0, 1e9], // UART
      [3, 900e6, 600e6, 900e6], // ARM
      [4, 250e6, 250e6, 250e6], // core
      [5, 250e6, 250e6, 250e6], // V3D
      [6, 250e6, 250e6, 250e6], // H264
      [7, 250e6, 250e6, 250e6], // ISP
      [8, 450e6, 400e6, 450e6], // SDRAM
      [9, 0, 0, 1e9], // pixel
      [10, 0, 0, 500e6], // PWM
    ] as const
  ).map(([id, rate, least, most]) => [id, { rate, least, most }]),
);

const CORE_CLOCK = 4;

/** What SDHOST's CDIV divides the core clock by: its 11 bits hold 2 less (Linux, drivers/mmc/host/bcm2835.c). */
const SDHOST_DIVIDER = { least: 2, most: 0x7ff + 2 } as const;

/** Ids of voltages: core and the SDRAM's three. */
const VOLTAGES = [1, 2, 3, 4];

/** Microvolts of every voltage at its default. */
const DEFAULT_MICROVOLTS = 1_200_000;

/** Power devices 0 to 8: SD card, two UARTs, USB, three I2C, SPI, CCP2TX. */
const POWER_DEVICES = 9;

/** Bits of a power state: on, and "there is no such device". */
const POWER = { ON: 1, MISSING: 2 } as const;

/** Power domains of the newer interface are numbered from 1. */
const POWER_DOMAINS = 23;

/** Thousandths of a degree Celsius. */
const TEMPERATURE = 25_000;
const HIGHEST_TEMPERATURE = 85_000;

/** DMA channels that the ARM may use, a bit each (brcm,dma-channel-mask in the board's device tree). */
export const ARM_DMA_CHANNELS = 0x7f35;

/** GPIOs of the firmware's own (activity light, power) are numbered from here. */
const FIRMWARE_GPIO = { first: 128, count: 8 } as const;

/** The request's words and the answer: words, or bytes where the answer is no row of words. */
type Answer = (request: readonly number[]) => readonly number[] | Uint8Array;

/** Raspberry Pi's first three bytes of a MAC address; the rest is the serial number's end. */
const MAC_PREFIX = [0xb8, 0x27, 0xeb];

/** Answers property tags and keeps what they set. */
export class PropertyChannel {
  readonly state = {
    clocks: new Map([...CLOCKS].map(([id, clock]) => [id, { ...clock, on: clock.rate > 0 }])),
    power: new Uint8Array(POWER_DEVICES).fill(POWER.ON, 0, 2),
    domains: new Uint8Array(POWER_DOMAINS + 1),
    gpio: new Uint32Array(FIRMWARE_GPIO.count),
    touchBuffer: 0,
    gpioBuffer: 0,
  };
  private readonly tags: ReadonlyMap<number, Answer>;

  constructor(
    private readonly memory: VideoCoreBus,
    private readonly identity: BoardIdentity,
    private readonly framebuffer: Framebuffer,
    /** Sets what SDHOST divides the core clock by. */
    private readonly setSdHostDivider: (divider: number) => void,
    private readonly log: Log,
  ) {
    this.tags = new Map<number, Answer>([
      ...this.boardTags(),
      ...this.clockTags(),
      ...this.powerTags(),
      ...this.sensorTags(),
      ...this.framebufferTags(),
      ...this.otherTags(),
    ]);
  }

  /**
   * Answers the buffer at a bus address in place. A tag that is not known is left as it is and makes the whole answer
   * an error, as Raspberry Pi kernels report it (`Request 0x… returned status 0x80000001`).
   */
  call(address: number): void {
    const length = this.memory.read32(address);
    if (length < BUFFER_HEADER + 4 || length > LONGEST_BUFFER || !this.memory.isRam(address, length)) {
      if (this.memory.isRam(address, BUFFER_HEADER)) this.memory.write32(address + 4, BUFFER.ERROR);
      return;
    }
    let status: number = BUFFER.SUCCESS;
    const end = address + length;
    for (let at = address + BUFFER_HEADER; ;) {
      const tag = at + 4 <= end ? this.memory.read32(at) : 0;
      if (tag === 0) break;
      const size = at + TAG_HEADER <= end ? this.memory.read32(at + 4) : Infinity;
      if (at + TAG_HEADER + size > end) {
        status = BUFFER.ERROR;
        break;
      }
      if (!this.answer(tag, at, size)) status = BUFFER.ERROR;
      at += TAG_HEADER + Math.ceil(size / 4) * 4;
    }
    this.memory.write32(address + 4, status);
  }

  /** The power channel, which kernels before 4.4 use: a bit for each device from bit 4 up; all of them are granted. */
  powerChannel(data: number): number {
    for (let device = 0; device < POWER_DEVICES; device++)
      this.state.power[device] = (data >>> (4 + device)) & POWER.ON;
    return data;
  }

  private answer(tag: number, at: number, size: number): boolean {
    const answer = this.tags.get(tag);
    if (!answer) {
      this.log(`the guest asked for property ${hex(tag, 8)}, which is not known here`);
      return false;
    }
    const request: number[] = [];
    for (let offset = 0; offset + 4 <= size; offset += 4)
      request.push(this.memory.read32(at + TAG_HEADER + offset));
    const value = answer(request);
    const bytes = value instanceof Uint8Array ? value : new Uint8Array(Uint32Array.from(value).buffer);
    // What does not fit is cut off; the length says how much there was.
    this.memory.writeBytes(at + TAG_HEADER, bytes.subarray(0, size));
    this.memory.write32(at + 8, (TAG_ANSWERED | bytes.length) >>> 0);
    return true;
  }

  private boardTags(): [number, Answer][] {
    const { revision, serial, firmwareRevision, commandLine, armMemory, ramSize } = this.identity;
    const low = Number(serial & 0xffff_ffffn);
    const high = Number((serial >> 32n) & 0xffff_ffffn);
    return [
      [0x0000_0001, () => [firmwareRevision]],
      [0x0001_0001, () => [0]], // board model
      [0x0001_0002, () => [revision]],
      [0x0001_0003, () => Uint8Array.of(...MAC_PREFIX, low >>> 16, low >>> 8, low)],
      [0x0001_0004, () => [low, high]],
      [0x0001_0005, () => [0, armMemory]],
      [0x0001_0006, () => [armMemory, ramSize - armMemory]],
      // Parent and id of every clock; none has a parent here.
      [0x0001_0007, () => [...this.state.clocks.keys()].flatMap((id) => [0, id])],
      [0x0005_0001, () => ascii(`${commandLine}\0`)],
      [0x0006_0001, () => [ARM_DMA_CHANNELS]],
    ];
  }

  private clockTags(): [number, Answer][] {
    const of = (key: 'rate' | 'least' | 'most'): Answer => {
      return ([id = 0]) => [id, this.state.clocks.get(id)?.[key] ?? 0];
    };
    const state: Answer = ([id = 0]) => {
      const clock = this.state.clocks.get(id);
      return [id, clock ? (clock.on ? POWER.ON : 0) : POWER.MISSING];
    };
    return [
      [0x0003_0001, state],
      [
        0x0003_8001,
        (request) => {
          const clock = this.state.clocks.get(request[0] ?? 0);
          if (clock) clock.on = ((request[1] ?? 0) & POWER.ON) !== 0;
          return state(request);
        },
      ],
      [0x0003_0002, of('rate')],
      [0x0003_0047, of('rate')], // measured
      [0x0003_0004, of('most')],
      [0x0003_0007, of('least')],
      [
        0x0003_8002,
        (request) => {
          const clock = this.state.clocks.get(request[0] ?? 0);
          if (clock) clock.rate = Math.min(Math.max(request[1] ?? 0, clock.least), clock.most);
          return of('rate')(request);
        },
      ],
      // Turbo: id and level, never on.
      [0x0003_0009, ([id = 0]) => [id, 0]],
      [0x0003_8009, ([id = 0]) => [id, 0]],
      // SD host clock: asked for, then set for a card being identified and for data.
      [
        0x0003_8042,
        ([asked = 0]) => {
          const core = this.state.clocks.get(CORE_CLOCK)!.rate;
          const divider = sdHostDivider(core, asked);
          const rate = Math.floor(core / divider);
          this.setSdHostDivider(divider);
          return [asked, rate, rate];
        },
      ],
    ];
  }

  private powerTags(): [number, Answer][] {
    const state: Answer = ([id = 0]) => [id, this.state.power[id] ?? POWER.MISSING];
    const domain: Answer = ([id = 0]) => [id, this.state.domains[id] ?? 0];
    return [
      [0x0002_0001, state],
      [0x0002_0002, ([id = 0]) => [id, 0]], // time until stable, microseconds
      [
        0x0002_8001,
        (request) => {
          const [id = 0, on = 0] = request;
          if (id < POWER_DEVICES) this.state.power[id] = on & POWER.ON;
          return state(request);
        },
      ],
      [0x0003_0030, domain],
      [
        0x0003_8030,
        (request) => {
          const [id = 0, on = 0] = request;
          if (id <= POWER_DOMAINS) this.state.domains[id] = on & POWER.ON;
          return domain(request);
        },
      ],
    ];
  }

  private sensorTags(): [number, Answer][] {
    const voltage: Answer = ([id = 0]) => [id, VOLTAGES.includes(id) ? DEFAULT_MICROVOLTS : 0];
    return [
      [0x0003_0003, voltage],
      [0x0003_0005, voltage], // highest
      [0x0003_0008, voltage], // lowest
      [0x0003_8003, voltage], // set: only the default is granted
      [0x0003_0006, ([id = 0]) => [id, TEMPERATURE]],
      [0x0003_000a, ([id = 0]) => [id, HIGHEST_TEMPERATURE]],
      [0x0003_0046, () => [0]], // throttled: never
    ];
  }

  private framebufferTags(): [number, Answer][] {
    const { framebuffer } = this;
    const { state: screen } = framebuffer;
    const physical = (): number[] => [screen.width, screen.height];
    const virtual = (): number[] => [screen.virtualWidth, screen.virtualHeight];
    const offset = (): number[] => [screen.offsetX, screen.offsetY];
    const noOverscan = (): number[] => [0, 0, 0, 0];
    return [
      [
        0x0004_0001,
        () => {
          const { address, size } = framebuffer.allocate();
          return [address, size];
        },
      ],
      [0x0004_8001, () => []], // release
      [0x0004_0002, ([blank = 0]) => [blank & 1]],
      [0x0004_0003, physical],
      [0x0004_4003, ([width = 0, height = 0]) => [width, height]],
      [
        0x0004_8003,
        ([width = 0, height = 0]) => {
          framebuffer.resize('physical', width, height);
          return physical();
        },
      ],
      [0x0004_0004, virtual],
      [0x0004_4004, ([width = 0, height = 0]) => [width, height]],
      [
        0x0004_8004,
        ([width = 0, height = 0]) => {
          framebuffer.resize('virtual', width, height);
          return virtual();
        },
      ],
      [0x0004_0005, () => [screen.depth]],
      [0x0004_4005, ([depth = 0]) => [depth]],
      [
        0x0004_8005,
        ([depth = 0]) => {
          framebuffer.setDepth(depth);
          return [screen.depth];
        },
      ],
      [0x0004_0006, () => [screen.pixelOrder]],
      [0x0004_4006, ([order = 0]) => [order]],
      [0x0004_8006, ([order = 0]) => [(screen.pixelOrder = order & 1)]],
      [0x0004_0007, () => [screen.alphaMode]],
      [0x0004_4007, ([mode = 0]) => [mode]],
      [0x0004_8007, ([mode = 0]) => [(screen.alphaMode = mode & 3)]],
      [0x0004_0008, () => [framebuffer.pitch()]],
      [0x0004_0009, offset],
      [0x0004_4009, ([x = 0, y = 0]) => [x, y]],
      [
        0x0004_8009,
        ([x = 0, y = 0]) => {
          framebuffer.setOffset(x, y);
          return offset();
        },
      ],
      [0x0004_000a, noOverscan],
      [0x0004_400a, noOverscan],
      [0x0004_800a, noOverscan],
      [0x0004_800b, () => [0]], // palette: taken, as nothing is shown
      [0x0004_800e, () => []], // wait for the vertical blank
      [0x0004_800f, ([brightness = 0]) => [brightness]],
      [0x0004_0013, () => [1]], // number of displays
      [0x0000_8010, () => [0]], // cursor
      [0x0000_8011, () => [0]],
    ];
  }

  private otherTags(): [number, Answer][] {
    const gpioIndex = (number: number): number => number - FIRMWARE_GPIO.first;
    return [
      // Memory in the VideoCore's share: none to give out, so handle 0, and the other calls fail.
      [0x0003_000c, () => [0]],
      [0x0003_000d, () => [0]],
      [0x0003_000e, () => [1]],
      [0x0003_000f, () => [1]],
      // EDID: block number, status "no display", an empty block.
      [0x0003_0020, ([block = 0]) => [block, 1, ...new Array<number>(32).fill(0)]],
      // Customer OTP: first row and count, the rows never written.
      [0x0003_0021, ([row = 0, count = 0]) => [row, count, ...new Array<number>(Math.min(count, 8)).fill(0)]],
      [0x0003_0041, ([number = 0]) => [0, this.state.gpio[gpioIndex(number)] ?? 0]],
      [
        0x0003_8041,
        ([number = 0, level = 0]) => {
          if (gpioIndex(number) in this.state.gpio) this.state.gpio[gpioIndex(number)] = level & 1;
          return [0, level & 1];
        },
      ],
      // Direction, polarity, pull-up and its direction of a firmware GPIO: an output.
      [0x0003_0043, () => [0, 1, 0, 0, 0]],
      [0x0003_8043, () => [0, 1, 0, 0, 0, 0]],
      [0x0003_0048, () => []], // the kernel is about to reboot
      [0x0003_0066, () => []], // the kernel has taken over the display
      [0x0004_000f, () => [this.state.touchBuffer]],
      [0x0004_801f, ([address = 0]) => ((this.state.touchBuffer = address), [0])],
      [0x0004_0010, () => [this.state.gpioBuffer]],
      [0x0004_8020, ([address = 0]) => ((this.state.gpioBuffer = address), [0])],
      // VCHIQ: there is no VideoCore program to talk to; the address left as it is says that it failed.
      [0x0004_8010, ([base = 0]) => [base]],
    ];
  }
}

/** What gives the highest rate at or below the one asked for, Hz. The clock cannot be stopped, so 0 gives the lowest. */
function sdHostDivider(core: number, asked: number): number {
  return Math.min(Math.max(Math.ceil(core / asked), SDHOST_DIVIDER.least), SDHOST_DIVIDER.most);
}
