/** What is kept of a console's ends, see devices/pl011.ts. */
import * as L from '../../shared/layout.js';

// @external('address', 'uarts')
declare function uartsAddress(): usize;

/** One end. */
@unmanaged
export class Uart {
  /** Which console, twice, and 1 for the near end. */
  number: u32;
  control: u32;
  lineControl: u32;
  integerDivisor: u32;
  fractionalDivisor: u32;
  levels: u32;
  mask: u32;
  dma: u32;
  /** Latched interrupts: transmit. */
  latched: u32;
  /** Bytes that were ever put into its ring or log, and read or overwritten there. */
  put: u32;
  taken: u32;
  /** Its interrupt line, as it was told last. */
  line: u32;
  /** Held, of the near end, while either end is changed. */
  lock: u32;
  /** Bytes that were read since its last holdoff. */
  readSinceHoldoff: u32;
  /** Count until which it is held off: what it has received is not shown. 0 for never. */
  holdoffUntil: u64;
}

if (offsetof<Uart>() > <usize>L.UART_SIZE || offsetof<Uart>('put') != <usize>L.UART_PUT)
  ERROR('layout of Uart');

/** An end of a console: the far one, or the near one. */
export function uartAt(console: u32, near: bool): Uart {
  return changetype<Uart>(uartsAddress() + (2 * console + (near ? 1 : 0)) * L.UART_SIZE);
}

// @inline
export function isNear(uart: Uart): bool {
  return (uart.number & 1) != 0;
}

export function peerOf(uart: Uart): Uart {
  return changetype<Uart>(
    isNear(uart) ? changetype<usize>(uart) - L.UART_SIZE : changetype<usize>(uart) + L.UART_SIZE,
  );
}
