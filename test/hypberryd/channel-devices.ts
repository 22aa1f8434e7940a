/** Device files that hypberryd has to do with, for the kernel of the tests. */
import * as C from '../../src/channel/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import type { ChannelImage } from './channel-image.js';
import { BELL, CHANNEL_ADDRESS } from './channel-image.js';
import type { Device } from './kernel.js';

/** /dev/mem with the channel, and a bell that is silent. */
export const CHANNEL_DEVICES = (image: ChannelImage): Record<string, Device> => ({
  '/dev/mem': {
    map(offset, bytes) {
      const found =
        offset === CHANNEL_ADDRESS ? image.bytes : offset === C.DOORBELL ? image.doorbell : undefined;
      if (found?.length !== bytes) throw new Error(`nothing to map at ${offset.toString(16)}`);
      return found;
    },
  },
  [`/dev/${BELL}`]: { read: () => -ERRORS.EAGAIN, ioctl: () => 0, isReadable: () => false },
});
