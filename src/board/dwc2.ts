import type { Device, Line } from './device.js';
import { bit, bits, indexIn, register, registers } from './register.js';

const GINT = {
  CURMODE_HOST: bit(0),
  SOF: bit(3),
  RXFLVL: bit(4),
  NPTXFEMP: bit(5),
  USBSUSP: bit(11),
  PRTINT: bit(24),
  HCHINT: bit(25),
  PTXFEMP: bit(26),
  CONIDSTSCHNG: bit(28),
} as const;

const CHANNEL_INTERRUPTS = { XFERCOMPL: bit(0), CHHLTD: bit(1), XACTERR: bit(7) } as const;

const CHANNELS = 8;
const CHANNEL_SIZE = 0x20;

/** It is a host, and nothing else. */
const HOST_ONLY = { bits: 0xffff_ffff, words: 'the controller is a host alone' } as const;

/** Linux, drivers/usb/dwc2/hw.h (Synopsys DesignWare USB 2.0 OTG); offsets from 0x3f980000. */
export const DWC2_REGISTERS = {
  GOTGCTL: register(0x000, 'OTG control', { CONID_B: bit(16), ASESVLD: bit(18), BSESVLD: bit(19) }),
  GOTGINT: register(0x004, 'OTG interrupts'),
  GAHBCFG: register(0x008, 'AHB configuration', { GLBL_INTR_EN: bit(0), DMA_EN: bit(5) }),
  GUSBCFG: register(0x00c, 'USB configuration', { FORCEHOSTMODE: bit(29), FORCEDEVMODE: bit(30) }),
  GRSTCTL: register(0x010, 'Reset', {
    CSFTRST: bit(0),
    HSFTRST: bit(1),
    FRMCNTRRST: bit(2),
    RXFFLSH: bit(4),
    TXFFLSH: bit(5),
    TXFNUM: bits(10, 6),
    AHBIDLE: bit(31),
  }),
  GINTSTS: register(0x014, 'Interrupts', GINT),
  GINTMSK: register(0x018, 'Interrupt mask', GINT),
  GRXSTSR: register(0x01c, 'Receive status, peeked'),
  GRXSTSP: register(0x020, 'Receive status, taken'),
  GRXFSIZ: register(0x024, 'Receive FIFO size'),
  GNPTXFSIZ: register(0x028, 'Non-periodic transmit FIFO size'),
  GNPTXSTS: register(0x02c, 'Non-periodic transmit FIFO status'),
  GI2CCTL: register(0x030, 'I2C'),
  GPVNDCTL: register(0x034, 'PHY vendor control'),
  GGPIO: register(0x038, 'GPIO'),
  GUID: register(0x03c, 'User id'),
  GSNPSID: register(0x040, 'Synopsys id'),
  GHWCFG: registers(0x044, 4, 'Hardware configuration'),
  GLPMCFG: register(0x054, 'Link power management'),
  GPWRDN: register(0x058, 'Power down'),
  GDFIFOCFG: register(0x05c, 'DFIFO configuration'),
  MDIO: registers(0x080, 3, "Broadcom's PHY registers: control, data, VBUS"),
  HPTXFSIZ: register(0x100, 'Periodic transmit FIFO size'),
  DPTXFSIZ: registers(0x104, 15, 'Device transmit FIFO sizes'),
  HCFG: register(0x400, 'Host configuration'),
  HFIR: register(0x404, 'Frame interval'),
  HFNUM: register(0x408, 'Frame number'),
  HPTXSTS: register(0x410, 'Periodic transmit FIFO status'),
  HAINT: register(0x414, 'Channels that interrupt'),
  HAINTMSK: register(0x418, 'Channel interrupt mask'),
  HPRT0: register(0x440, 'Port', {
    CONNSTS: bit(0),
    CONNDET: bit(1),
    ENA: bit(2),
    ENACHG: bit(3),
    OVRCURRCHG: bit(5),
    RST: bit(8),
    PWR: bit(12),
  }),
  HCCHAR: registers(
    0x500,
    CHANNELS,
    'Channel: what and whether',
    { CHDIS: bit(30), CHENA: bit(31) },
    CHANNEL_SIZE,
  ),
  HCSPLT: registers(0x504, CHANNELS, 'Channel: split', {}, CHANNEL_SIZE),
  HCINT: registers(0x508, CHANNELS, 'Channel: interrupts', CHANNEL_INTERRUPTS, CHANNEL_SIZE),
  HCINTMSK: registers(0x50c, CHANNELS, 'Channel: interrupt mask', CHANNEL_INTERRUPTS, CHANNEL_SIZE),
  HCTSIZ: registers(0x510, CHANNELS, 'Channel: size', {}, CHANNEL_SIZE),
  HCDMA: registers(0x514, CHANNELS, 'Channel: DMA address', {}, CHANNEL_SIZE),
  DCFG: register(0x800, 'Device configuration', {}, HOST_ONLY),
  DCTL: register(0x804, 'Device control', {}, HOST_ONLY),
  DIEPMSK: register(0x810, 'Device IN endpoint mask', {}, HOST_ONLY),
  DOEPMSK: register(0x814, 'Device OUT endpoint mask', {}, HOST_ONLY),
  DAINTMSK: register(0x81c, 'Device endpoint interrupt mask', {}, HOST_ONLY),
  PCGCTL: register(0xe00, 'Power and clock gating'),
} as const;

const REGISTERS = DWC2_REGISTERS;
const { GAHBCFG, GUSBCFG, GRSTCTL, GINTSTS, GINTMSK, HAINT, HAINTMSK, HPRT0, HCCHAR, HCINT, HCINTMSK } =
  REGISTERS;

/** Values of registers that say what the core is; the Pi's release is 2.80a. */
const CONSTANTS = new Map<number, number>([
  [REGISTERS.GSNPSID.offset, 0x4f54_280a],
  [REGISTERS.GHWCFG.offset, 0x0000_0000],
  [REGISTERS.GHWCFG.offset + 4, 0x228d_dd50],
  [REGISTERS.GHWCFG.offset + 8, 0x0ff0_00e8],
  [REGISTERS.GHWCFG.offset + 12, 0x1ff0_0020],
  // FIFOs are empty, request queues have room.
  [REGISTERS.GNPTXSTS.offset, 0x0008_0100],
  [REGISTERS.HPTXSTS.offset, 0x0008_0100],
  [REGISTERS.GRXSTSR.offset, 0],
  [REGISTERS.GRXSTSP.offset, 0],
  [REGISTERS.HFNUM.offset, 0x3fff],
]);

/** Registers' values after a reset where they are not zero. */
const RESET_VALUES: readonly (readonly [number, number])[] = [
  [REGISTERS.GOTGCTL.offset, REGISTERS.GOTGCTL.bits.ASESVLD],
  [REGISTERS.GUSBCFG.offset, 0x1400],
  [REGISTERS.GRXFSIZ.offset, 0x1000],
  [REGISTERS.GNPTXFSIZ.offset, 0x0100_1000],
  [REGISTERS.HPTXFSIZ.offset, 0x0200_2000],
  [REGISTERS.HCFG.offset, 0x0020_0000],
  [REGISTERS.HFIR.offset, 0x17d7],
];

/** Interrupts that are always there: host mode, empty FIFOs. */
const STANDING = GINT.CURMODE_HOST | GINT.NPTXFEMP | GINT.PTXFEMP;

/** Bits of HPRT0 that are cleared by writing ones; ENA is one of them. */
const PORT_CLEARS = HPRT0.bits.CONNDET | HPRT0.bits.ENA | HPRT0.bits.ENACHG | HPRT0.bits.OVRCURRCHG;

/**
 * The USB controller as a host with nothing plugged in: drivers set it up, see an empty port and are done.
 * A transfer that is started all the same ends with a transaction error.
 */
export class Dwc2 implements Device {
  readonly name = 'DWC2 USB';
  readonly registers = REGISTERS;
  readonly state = {
    values: new Map<number, number>(RESET_VALUES),
    channelInterrupts: new Uint32Array(CHANNELS),
  };

  constructor(private readonly irq: Line) {}

  read(offset: number): number {
    switch (offset) {
      case GRSTCTL.offset:
        return GRSTCTL.bits.AHBIDLE;
      case GINTSTS.offset:
        return this.status();
      case HAINT.offset:
        return this.channelsThatInterrupt();
    }
    const channel = indexIn(HCINT, offset);
    if (channel >= 0) return this.state.channelInterrupts[channel]!;
    return CONSTANTS.get(offset) ?? this.state.values.get(offset) ?? 0;
  }

  write(offset: number, value: number): void {
    if (CONSTANTS.has(offset)) return;
    const started = indexIn(HCCHAR, offset);
    const cleared = indexIn(HCINT, offset);
    if (offset === GRSTCTL.offset) {
      if (value & GRSTCTL.bits.CSFTRST) this.reset();
    } else if (offset === HPRT0.offset) {
      this.state.values.set(offset, value & (HPRT0.bits.PWR | HPRT0.bits.RST) & ~PORT_CLEARS);
    } else if (cleared >= 0) {
      this.state.channelInterrupts[cleared]! &= ~value;
    } else if (started >= 0) {
      this.writeChannel(started, value);
    } else if (offset !== GINTSTS.offset && offset !== HAINT.offset) {
      this.state.values.set(offset, value);
    }
    this.update();
  }

  private reset(): void {
    this.state.values.clear();
    for (const [offset, value] of RESET_VALUES) this.state.values.set(offset, value);
    this.state.channelInterrupts.fill(0);
  }

  private writeChannel(channel: number, value: number): void {
    const { CHENA, CHDIS } = HCCHAR.bits;
    // A channel that is enabled or disabled halts at once; with nobody there a transfer is an error.
    if (value & CHDIS) this.state.channelInterrupts[channel]! |= CHANNEL_INTERRUPTS.CHHLTD;
    else if (value & CHENA) {
      this.state.channelInterrupts[channel]! |= CHANNEL_INTERRUPTS.CHHLTD | CHANNEL_INTERRUPTS.XACTERR;
    }
    this.state.values.set(HCCHAR.offset + channel * CHANNEL_SIZE, value & ~(CHENA | CHDIS));
  }

  private channelsThatInterrupt(): number {
    let channels = 0;
    this.state.channelInterrupts.forEach((interrupts, channel) => {
      const mask = this.state.values.get(HCINTMSK.offset + channel * CHANNEL_SIZE) ?? 0;
      if (interrupts & mask) channels |= 1 << channel;
    });
    return channels;
  }

  private status(): number {
    const waiting = this.channelsThatInterrupt() & (this.state.values.get(HAINTMSK.offset) ?? 0);
    const isDevice = (this.state.values.get(GUSBCFG.offset) ?? 0) & GUSBCFG.bits.FORCEDEVMODE;
    return (STANDING & (isDevice ? ~GINT.CURMODE_HOST : ~0)) | (waiting ? GINT.HCHINT : 0);
  }

  private update(): void {
    const enabled = (this.state.values.get(GAHBCFG.offset) ?? 0) & GAHBCFG.bits.GLBL_INTR_EN;
    const mask = (this.state.values.get(GINTMSK.offset) ?? 0) & ~GINT.CURMODE_HOST;
    this.irq(enabled !== 0 && (this.status() & mask) !== 0);
  }
}
