/** Pages of the board's interrupt controllers. */
import { BASIC_PENDING } from '../generated/interrupt-controller.js';
import { LOCAL_BASE } from '../generated/local-peripherals.js';

export const LOCAL_PAGE: u32 = <u32>LOCAL_BASE;
/** Of the GPU's. */
export const CONTROLLER_PAGE: u32 = (<u32>BASIC_PENDING) & ~0xfff;
