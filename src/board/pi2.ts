import type { TimerName } from '../ports/bus.js';
import type { DataBuffer, DataBufferFor } from '../ports/data-buffer.js';
import type { DeviceMemory } from '../ports/memory.js';
import { restoreState, saveState, type State } from '../base/state.js';
import { ArmTimer } from './arm-timer.js';
import { AsyncBridges } from './asb.js';
import { Aux } from './aux.js';
import { CORES, PERIPHERAL_BASE } from './bcm2836.js';
import { PeripheralBus, type Part, type Unmodelled } from './bus.js';
import type { Clock, Due } from './clock.js';
import { ClockManager } from './cprman.js';
import type { Line, Log } from './device.js';
import { DmaController } from './dma.js';
import { Dwc2 } from './dwc2.js';
import { Framebuffer } from './framebuffer.js';
import { Gpio } from './gpio.js';
import { ARM_INTERRUPT, InterruptController } from './interrupt-controller.js';
import { LocalController } from './local-controller.js';
import { LOCAL_BASE } from './local-peripherals.js';
import { CHANNEL, Mailboxes, type ChannelHandler } from './mailbox.js';
import { Pl011 } from './pl011.js';
import { PowerManager, type Ending } from './power.js';
import { PropertyChannel, type BoardIdentity } from './property.js';
import { Rng, RNG_BASE } from './rng.js';
import type { HypberryError } from '../base/errors.js';
import type { Disk } from '../ports/disk.js';
import { createSdCard } from './sd-card.js';
import type { CardKind } from './sd-registers.js';
import { createSdSlot } from './sd-slot.js';
import { Sdhci, SDHCI_REGISTERS } from './sdhci.js';
import { SdHost, SDHOST_REGISTERS } from './sdhost.js';
import { createPcm, createPwm, createSpi, I2c } from './serial-buses.js';
import { SystemTimer } from './system-timer.js';
import { ThermalSensor } from './thermal.js';
import { VideoCoreBus } from './videocore-bus.js';
import { VideoCoreMemory } from './videocore-memory.js';

/** The VideoCore's interrupts (BCM2835 ARM Peripherals, section 7.5; Linux, bcm283x.dtsi). */
const GPU = {
  SYSTEM_TIMER: 0,
  USB: 9,
  DMA: 16,
  /** Channels 11 to 14 share one line. */
  DMA_SHARED: 27,
  DMA_ALL: 28,
  AUX: 29,
  GPIO: 49,
  SDHOST: 56,
  UART: 57,
  EMMC: 62,
} as const;

/** Data requests of the SD controllers (BCM2835 ARM Peripherals, section 4.2.1.3). */
const DREQ = { EMMC: 11, SDHOST: 13 } as const;

/** Where they are, as offsets from the peripherals' base. */
const [SDHOST, EMMC] = [0x202000, 0x300000];

/** DMA channels with an interrupt of their own, and with any. */
const OWN_DMA_LINES = 11;
const DMA_LINES = 15;

/** An SD card to be put into the slot. */
export interface CardSource {
  /** What is on it. Its errors are the card's; all others of the disk end the run. */
  readonly disk: Disk;
  /** Undefined for what its size says. */
  readonly kind?: CardKind | undefined;
  /** Told of each error of the disk. */
  readonly onError?: ((error: HypberryError) => void) | undefined;
}

/** What the board is connected to. */
export interface Surroundings {
  /** RAM, which DMA and the VideoCore reach. */
  readonly memory: DeviceMemory;
  readonly dataBuffer: DataBufferFor;
  readonly clock: Clock;
  readonly identity: BoardIdentity;
  /** The card in the slot; undefined for an empty one. */
  readonly card?: CardSource | undefined;
  /** Seed of the random number generator, and of what the VideoCore writes into its own memory. */
  readonly seed: number;
  /** A core's IRQ input. */
  irq(core: number, level: boolean): void;
  /** A core's FIQ input. */
  fiq(core: number, level: boolean): void;
  /** The core timer, by which all cores' generic timers count, was set or counts at another rate. */
  coreTimerSet(): void;
  /** A character from the PL011. */
  console(byte: number): void;
  /** A character from the mini UART. */
  auxConsole(byte: number): void;
  /** The guest has reset the board or switched it off. */
  ended(how: Ending): void;
  /** Something that is not modelled was touched; each sentence comes once. */
  readonly log: Log;
}

/** A Raspberry Pi 2 around its processor. */
export interface Board {
  /** Everything outside RAM. */
  readonly bus: PeripheralBus;
  readonly uart: Pl011;
  readonly aux: Aux;
  readonly gpio: Gpio;
  readonly local: LocalController;
  /** Puts the card into its slot, or takes it out. */
  insertCard(inserted: boolean): void;
  /** What the VideoCore does beside all that, for who runs the processor: see {@link VideoCoreMemory.due}. */
  readonly videoCore: VideoCoreMemory;
  /** The output of a core's generic timer, for the processor to drive. */
  timerLine(core: number, timer: TimerName, level: boolean): void;
  /** Sets the line of a core's performance monitors. */
  pmuLine(core: number, level: boolean): void;
  /** A copy of all devices' states. */
  save(): BoardState;
  /** Puts every device into the state that was saved. Nothing of it is told to the processor, which has its own. */
  restore(saved: BoardState): void;
}

/** What is saved of a board. */
export interface BoardState {
  /** Each part's state, by its name. */
  readonly parts: Readonly<Record<string, State>>;
  readonly timers: Due;
}

/** Blocks that real kernels may touch and that read as zero. */
const UNMODELLED: readonly Unmodelled[] = (
  [
    [0x000000, 0x1000, 'multicore sync'],
    [0x002000, 0x1000, 'VideoCore interrupt controller'],
    [0x004000, 0x1000, 'transposer (TXP)'],
    [0x006000, 0x1000, 'message-based parallel host interface (MPHI)'],
    [0x009000, 0x1000, 'BCM2835 ARGON'],
    [0x00b000, 0x1000, 'ARM control block'],
    [0x206000, 0x1000, 'pixel valve 0'],
    [0x207000, 0x1000, 'pixel valve 1'],
    [0x208000, 0x1000, 'DPI'],
    [0x209000, 0x1000, 'DSI0'],
    [0x20f000, 0x1000, 'OTP'],
    [0x214000, 0x1000, 'I2C/SPI slave'],
    [0x400000, 0x6000, 'video scaler (HVS)'],
    [0x600000, 0x1000, 'secondary memory interface (SMI)'],
    [0x700000, 0x1000, 'DSI1'],
    [0x800000, 0x2000, 'camera receivers (Unicam)'],
    [0x806000, 0x1000, 'video encoder (VEC)'],
    [0x807000, 0x1000, 'pixel valve 2'],
    [0x808000, 0x1000, 'HDMI HD'],
    [0x900000, 0x10000, 'debug bus'],
    [0x910000, 0x8000, 'AVE'],
    [0x902000, 0x1000, 'HDMI'],
    [0xc00000, 0x1000, 'V3D'],
    [0xe00000, 0x1000, 'SDRAM controller'],
  ] as const
).map(([offset, size, name]) => ({ base: PERIPHERAL_BASE + offset, size, name }));

/** Puts the board's parts together and wires their lines. */
export function createPi2(surroundings: Surroundings): Board {
  const { clock, identity, log } = surroundings;
  const memory = new VideoCoreBus(surroundings.memory, () => bus);

  const wires = {
    irq: new Uint8Array(CORES),
    fiq: new Uint8Array(CORES),
    dmaShared: new Uint8Array(DMA_LINES - OWN_DMA_LINES),
    dmaAll: new Uint8Array(DMA_LINES),
  };
  const local = new LocalController(
    clock,
    coreLines(wires.irq, (core, level) => {
      surroundings.irq(core, level);
    }),
    coreLines(wires.fiq, (core, level) => {
      surroundings.fiq(core, level);
    }),
    () => {
      surroundings.coreTimerSet();
    },
  );
  const interrupts = new InterruptController(local.gpuIrq, local.gpuFiq);
  const gpu = (first: number, count: number): Line[] =>
    Array.from({ length: count }, (_, i) => interrupts.gpu(first + i));

  const uart = new Pl011(clock, interrupts.gpu(GPU.UART), (byte) => {
    surroundings.console(byte);
  });
  const aux = new Aux(interrupts.gpu(GPU.AUX), (byte) => {
    surroundings.auxConsole(byte);
  });
  const gpio = new Gpio(gpu(GPU.GPIO, 4));
  const { card: source } = surroundings;
  const card = source && createSdCard({ ...source, now: () => clock.now() });
  const slot = createSdSlot(card, gpio.state.functions, () => {
    sdhci.cardChanged(slot.state.inserted);
  });
  const dataBuffer = (device: number, { offset }: { readonly offset: number }): DataBuffer =>
    surroundings.dataBuffer(PERIPHERAL_BASE + device + offset);
  const sdhost = new SdHost(
    clock,
    slot.sdhost,
    dataBuffer(SDHOST, SDHOST_REGISTERS.DATA),
    interrupts.gpu(GPU.SDHOST),
    () => {
      dma.request(DREQ.SDHOST);
    },
  );
  const sdhci = new Sdhci(
    clock,
    slot.emmc,
    dataBuffer(EMMC, SDHCI_REGISTERS.DATA),
    interrupts.gpu(GPU.EMMC),
    () => {
      dma.request(DREQ.EMMC);
    },
  );
  const dma = new DmaController(
    clock,
    memory,
    dmaLines(interrupts, wires),
    new Map([
      [DREQ.SDHOST, sdhost.port],
      [DREQ.EMMC, sdhci.port],
    ]),
  );
  const clocks = new ClockManager();
  const power = new PowerManager(clock, (how) => {
    surroundings.ended(how);
  });

  const framebuffer = new Framebuffer({
    base: identity.armMemory,
    size: identity.ramSize - identity.armMemory,
  });
  const videoCore = new VideoCoreMemory(
    surroundings.memory,
    { start: identity.armMemory, end: identity.ramSize },
    () => framebuffer.place(),
    surroundings.seed,
  );
  const properties = new PropertyChannel(
    memory,
    identity,
    framebuffer,
    (divider) => {
      sdhost.setDivider(divider);
    },
    log,
  );
  const mailboxes = new Mailboxes(
    interrupts.arm(ARM_INTERRUPT.MAILBOX),
    new Map<number, ChannelHandler>([
      [CHANNEL.POWER, (data) => properties.powerChannel(data)],
      [CHANNEL.FRAMEBUFFER, (address) => framebuffer.request(memory, address)],
      // The doorbell of a VideoCore program that is not there.
      [CHANNEL.VCHIQ, () => undefined],
      [
        CHANNEL.PROPERTY,
        (address) => {
          properties.call(address);
          return address;
        },
      ],
    ]),
    log,
  );

  const parts: readonly Part[] = [
    part(0x003000, 0x1000, new SystemTimer(clock, gpu(GPU.SYSTEM_TIMER, 4))),
    part(0x007000, 0x1000, dma),
    part(0x00a000, 0x1000, new AsyncBridges()),
    part(0x00b200, 0x200, interrupts),
    part(0x00b400, 0x40, new ArmTimer(clock, interrupts.arm(ARM_INTERRUPT.TIMER))),
    part(0x00b880, 0x40, mailboxes),
    part(0x100000, 0x1000, power),
    part(0x101000, 0x1000, clocks.clocks),
    part(0x102000, 0x1000, clocks.analog),
    part(RNG_BASE - PERIPHERAL_BASE, 0x1000, new Rng(surroundings.seed)),
    part(0x200000, 0x1000, gpio),
    part(0x201000, 0x1000, uart),
    part(SDHOST, 0x1000, sdhost),
    part(0x203000, 0x1000, createPcm()),
    part(0x204000, 0x1000, createSpi()),
    part(0x205000, 0x1000, new I2c('I2C0')),
    part(0x20c000, 0x1000, createPwm()),
    part(0x212000, 0x8, new ThermalSensor()),
    part(0x215000, 0x1000, aux),
    part(EMMC, 0x1000, sdhci),
    part(0x804000, 0x1000, new I2c('I2C1')),
    part(0x805000, 0x1000, new I2c('I2C2')),
    part(0x980000, 0x1_0000, new Dwc2(interrupts.gpu(GPU.USB))),
    part(0xe05000, 0x1000, dma.channel15),
    { base: LOCAL_BASE, size: 0x100, device: local },
  ];
  const bus = new PeripheralBus(parts, UNMODELLED, log);
  const states = new Map<string, State>([
    ...parts.map(({ device }) => [device.name, device.state] as const),
    ['framebuffer', framebuffer.state],
    ['property channel', properties.state],
    ['VideoCore', videoCore.state],
    ['wires', wires],
    ['card slot', slot.state],
    ...(card ? [['SD card', card.state] as const] : []),
  ]);

  return {
    bus,
    uart,
    aux,
    gpio,
    local,
    insertCard: slot.insert,
    videoCore,
    timerLine: (core, timer, level) => {
      local.timerLine(core, timer, level);
    },
    pmuLine: (core, level) => {
      local.pmuLine(core, level);
    },
    save: () => ({
      parts: Object.fromEntries([...states].map(([name, state]) => [name, saveState(state)])),
      timers: clock.save(),
    }),
    restore: ({ parts: saved, timers }) => {
      for (const [name, state] of states) restoreState(state, saved[name] ?? {});
      clock.restore(timers);
    },
  };
}

function part(offset: number, size: number, device: Part['device']): Part {
  return { base: PERIPHERAL_BASE + offset, size, device };
}

/** One line for each core; the processor hears of changes only. */
function coreLines(levels: Uint8Array, set: (core: number, level: boolean) => void): Line[] {
  return Array.from(levels, (_, core) => (level) => {
    if (levels[core] === Number(level)) return;
    levels[core] = Number(level);
    set(core, level);
  });
}

/** The interrupt of each DMA channel: its own up to 10, then a shared one; all of them on one more. */
function dmaLines(
  interrupts: InterruptController,
  { dmaShared, dmaAll }: { readonly dmaShared: Uint8Array; readonly dmaAll: Uint8Array },
): Line[] {
  const shared = anyOf(interrupts.gpu(GPU.DMA_SHARED), dmaShared);
  const all = anyOf(interrupts.gpu(GPU.DMA_ALL), dmaAll);
  return Array.from({ length: DMA_LINES }, (_, channel) => {
    const own =
      channel < OWN_DMA_LINES ? interrupts.gpu(GPU.DMA + channel) : shared[channel - OWN_DMA_LINES]!;
    return (level) => {
      own(level);
      all[channel]!(level);
    };
  });
}

/** Makes inputs to a line that is up while any of them is; `levels` are theirs. */
function anyOf(line: Line, levels: Uint8Array): readonly Line[] {
  return Array.from(levels, (_, input) => (level) => {
    if (levels[input] === Number(level)) return;
    levels[input] = Number(level);
    line(levels.includes(1));
  });
}
