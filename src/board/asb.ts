import type { Device } from './device.js';
import { PASSWORD } from './power.js';
import { bit, indexIn, register, registers } from './register.js';

/** Linux, drivers/pmdomain/bcm/bcm2835-power.c; offsets from 0x3f00a000. */
export const ASB_REGISTERS = {
  CTRL: registers(0x08, 6, 'V3D, ISP and H264 bridges, slave and master side each', {
    REQ_STOP: bit(0),
    ACK: bit(1),
    EMPTY: bit(2),
    FULL: bit(3),
  }),
  AXI_BRDG_ID: register(0x20, 'Identification: "brdg"'),
} as const;

const { CTRL, AXI_BRDG_ID } = ASB_REGISTERS;

const ID = 0x6272_6467;

/** The asynchronous bridges to the power domains: each acknowledges at once when it is told to stop or to go. */
export class AsyncBridges implements Device {
  readonly name = 'asynchronous bridges';
  readonly registers = ASB_REGISTERS;
  readonly state = {
    control: new Uint32Array(CTRL.count).fill(CTRL.bits.REQ_STOP | CTRL.bits.ACK),
  };

  read(offset: number): number {
    return offset === AXI_BRDG_ID.offset ? ID : (this.state.control[indexIn(CTRL, offset)] ?? 0);
  }

  write(offset: number, value: number): void {
    const index = indexIn(CTRL, offset);
    if (index < 0 || (value & PASSWORD.bits) >>> 0 !== PASSWORD.value) return;
    const { REQ_STOP, ACK } = CTRL.bits;
    this.state.control[index] = value & REQ_STOP ? REQ_STOP | ACK : 0;
  }
}
