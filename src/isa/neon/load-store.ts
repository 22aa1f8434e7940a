import type { Table } from '../encoding.js';
import { sizes8to32, sizes8to64 } from './conditions.js';

/**
 * Loads and stores of elements and structures (A7.7). Rm is 15 for no write-back, 13 for write-back of the number
 * of bytes, else the register to add.
 */
export const neonLoadStore = {
  VLD1_multiple_A1: {
    section: 'A8.8.320',
    bits: '1111 0100 0 D 1 0 Rn:4 Vd:4 type:4 size:2 align:2 Rm:4',
    syntax: {
      'VLD1.<n> <list1>, [<base64to256>]': 'Rm == 15',
      'VLD1.<n> <list1>, [<base64to256>]!': 'Rm == 13',
      'VLD1.<n> <list1>, [<base64to256>], <Rm>': '',
    },
    sizes: sizes8to64,
    see: {
      VLD2_multiple_A1: 'type == 3 || type == 8 || type == 9',
      VLD3_multiple_A1: 'type<3:1> == 2',
      VLD4_multiple_A1: 'type<3:1> == 0',
    },
    undefined: 'type > 10 || type<2:1> == 3 && align<1> == 1 || type == 10 && align == 3',
    unpredictable:
      'Rn == 15 || type == 7 && D * 16 + Vd > 31 || type == 10 && D * 16 + Vd > 30 || type == 6 && D * 16 + Vd > 29 || type == 2 && D * 16 + Vd > 28',
  },
  VLD2_multiple_A1: {
    section: 'A8.8.323',
    bits: '1111 0100 0 D 1 0 Rn:4 Vd:4 type:4 size:2 align:2 Rm:4',
    syntax: {
      'VLD2.<n> <list2>, [<base64to256>]': 'Rm == 15',
      'VLD2.<n> <list2>, [<base64to256>]!': 'Rm == 13',
      'VLD2.<n> <list2>, [<base64to256>], <Rm>': '',
    },
    sizes: sizes8to32,
    see: { VLD1_multiple_A1: 'type != 3 && type != 8 && type != 9' },
    undefined: 'size == 3 || type<3> == 1 && align == 3',
    unpredictable:
      'Rn == 15 || type == 8 && D * 16 + Vd > 30 || type == 9 && D * 16 + Vd > 29 || type == 3 && D * 16 + Vd > 28',
  },
  VLD3_multiple_A1: {
    section: 'A8.8.326',
    bits: '1111 0100 0 D 1 0 Rn:4 Vd:4 010 inc size:2 align:2 Rm:4',
    syntax: {
      'VLD3.<n> <list3>, [<base64>]': 'Rm == 15',
      'VLD3.<n> <list3>, [<base64>]!': 'Rm == 13',
      'VLD3.<n> <list3>, [<base64>], <Rm>': '',
    },
    sizes: sizes8to32,
    undefined: 'size == 3 || align<1> == 1',
    unpredictable: 'Rn == 15 || D * 16 + Vd + 2 * inc > 29',
  },
  VLD4_multiple_A1: {
    section: 'A8.8.329',
    bits: '1111 0100 0 D 1 0 Rn:4 Vd:4 000 inc size:2 align:2 Rm:4',
    syntax: {
      'VLD4.<n> <list4>, [<base64to256>]': 'Rm == 15',
      'VLD4.<n> <list4>, [<base64to256>]!': 'Rm == 13',
      'VLD4.<n> <list4>, [<base64to256>], <Rm>': '',
    },
    sizes: sizes8to32,
    undefined: 'size == 3',
    unpredictable: 'Rn == 15 || D * 16 + Vd + 3 * inc > 28',
  },
  VLD1_lane_A1: {
    section: 'A8.8.321',
    bits: '1111 0100 1 D 1 0 Rn:4 Vd:4 size:2 00 index_align:4 Rm:4',
    syntax: {
      'VLD1.<n> <lanes1x<n>>, [<base_lanes1x<n>>]': 'Rm == 15',
      'VLD1.<n> <lanes1x<n>>, [<base_lanes1x<n>>]!': 'Rm == 13',
      'VLD1.<n> <lanes1x<n>>, [<base_lanes1x<n>>], <Rm>': '',
    },
    sizes: sizes8to32,
    see: { VLD1_all_A1: 'size == 3' },
    undefined:
      'size == 0 && index_align<0> == 1 || size == 1 && index_align<1> == 1 || size == 2 && (index_align<2> == 1 || index_align<1:0> == 1 || index_align<1:0> == 2)',
    unpredictable: 'Rn == 15',
  },
  VLD2_lane_A1: {
    section: 'A8.8.324',
    bits: '1111 0100 1 D 1 0 Rn:4 Vd:4 size:2 01 index_align:4 Rm:4',
    syntax: {
      'VLD2.<n> <lanes2x<n>>, [<base_lanes2x<n>>]': 'Rm == 15',
      'VLD2.<n> <lanes2x<n>>, [<base_lanes2x<n>>]!': 'Rm == 13',
      'VLD2.<n> <lanes2x<n>>, [<base_lanes2x<n>>], <Rm>': '',
    },
    sizes: sizes8to32,
    see: { VLD2_all_A1: 'size == 3' },
    undefined: 'size == 2 && index_align<1> == 1',
    unpredictable:
      'Rn == 15 || D * 16 + Vd > 30 || (size == 1 && index_align<1> == 1 || size == 2 && index_align<2> == 1) && D * 16 + Vd > 29',
  },
  VLD3_lane_A1: {
    section: 'A8.8.327',
    bits: '1111 0100 1 D 1 0 Rn:4 Vd:4 size:2 10 index_align:4 Rm:4',
    syntax: {
      'VLD3.<n> <lanes3x<n>>, [<base_plain>]': 'Rm == 15',
      'VLD3.<n> <lanes3x<n>>, [<base_plain>]!': 'Rm == 13',
      'VLD3.<n> <lanes3x<n>>, [<base_plain>], <Rm>': '',
    },
    sizes: sizes8to32,
    see: { VLD3_all_A1: 'size == 3' },
    undefined: 'size != 2 && index_align<0> == 1 || size == 2 && index_align<1:0> != 0',
    unpredictable:
      'Rn == 15 || D * 16 + Vd > 29 || (size == 1 && index_align<1> == 1 || size == 2 && index_align<2> == 1) && D * 16 + Vd > 27',
  },
  VLD4_lane_A1: {
    section: 'A8.8.330',
    bits: '1111 0100 1 D 1 0 Rn:4 Vd:4 size:2 11 index_align:4 Rm:4',
    syntax: {
      'VLD4.<n> <lanes4x<n>>, [<base_lanes4x<n>>]': 'Rm == 15',
      'VLD4.<n> <lanes4x<n>>, [<base_lanes4x<n>>]!': 'Rm == 13',
      'VLD4.<n> <lanes4x<n>>, [<base_lanes4x<n>>], <Rm>': '',
    },
    sizes: sizes8to32,
    see: { VLD4_all_A1: 'size == 3' },
    undefined: 'size == 2 && index_align<1:0> == 3',
    unpredictable:
      'Rn == 15 || D * 16 + Vd > 28 || (size == 1 && index_align<1> == 1 || size == 2 && index_align<2> == 1) && D * 16 + Vd > 25',
  },
  VLD1_all_A1: {
    section: 'A8.8.322',
    bits: '1111 0100 1 D 10 Rn:4 Vd:4 11 00 size:2 T a Rm:4',
    syntax: {
      'VLD1.8 <all1>, [<base_all8>]': 'size == 0 && Rm == 15',
      'VLD1.8 <all1>, [<base_all8>]!': 'size == 0 && Rm == 13',
      'VLD1.8 <all1>, [<base_all8>], <Rm>': 'size == 0',
      'VLD1.16 <all1>, [<base_all16>]': 'size == 1 && Rm == 15',
      'VLD1.16 <all1>, [<base_all16>]!': 'size == 1 && Rm == 13',
      'VLD1.16 <all1>, [<base_all16>], <Rm>': 'size == 1',
      'VLD1.32 <all1>, [<base_all32>]': 'size == 2 && Rm == 15',
      'VLD1.32 <all1>, [<base_all32>]!': 'size == 2 && Rm == 13',
      'VLD1.32 <all1>, [<base_all32>], <Rm>': 'size == 2',
    },
    undefined: 'size == 3 || size == 0 && a == 1',
    unpredictable: 'Rn == 15 || D * 16 + Vd + T > 31',
  },
  VLD2_all_A1: {
    section: 'A8.8.325',
    bits: '1111 0100 1 D 10 Rn:4 Vd:4 11 01 size:2 T a Rm:4',
    syntax: {
      'VLD2.8 <all2>, [<base_all16>]': 'size == 0 && Rm == 15',
      'VLD2.8 <all2>, [<base_all16>]!': 'size == 0 && Rm == 13',
      'VLD2.8 <all2>, [<base_all16>], <Rm>': 'size == 0',
      'VLD2.16 <all2>, [<base_all32>]': 'size == 1 && Rm == 15',
      'VLD2.16 <all2>, [<base_all32>]!': 'size == 1 && Rm == 13',
      'VLD2.16 <all2>, [<base_all32>], <Rm>': 'size == 1',
      'VLD2.32 <all2>, [<base_all64>]': 'size == 2 && Rm == 15',
      'VLD2.32 <all2>, [<base_all64>]!': 'size == 2 && Rm == 13',
      'VLD2.32 <all2>, [<base_all64>], <Rm>': 'size == 2',
    },
    undefined: 'size == 3',
    unpredictable: 'Rn == 15 || D * 16 + Vd + T > 30',
  },
  VLD3_all_A1: {
    section: 'A8.8.328',
    bits: '1111 0100 1 D 10 Rn:4 Vd:4 11 10 size:2 T a Rm:4',
    syntax: {
      'VLD3.<n> <all3>, [<base_all8>]': 'Rm == 15',
      'VLD3.<n> <all3>, [<base_all8>]!': 'Rm == 13',
      'VLD3.<n> <all3>, [<base_all8>], <Rm>': '',
    },
    sizes: sizes8to32,
    undefined: 'size == 3 || a == 1',
    unpredictable: 'Rn == 15 || D * 16 + Vd + 2 * T > 29',
  },
  VLD4_all_A1: {
    section: 'A8.8.331',
    bits: '1111 0100 1 D 10 Rn:4 Vd:4 11 11 size:2 T a Rm:4',
    syntax: {
      'VLD4.8 <all4>, [<base_all32>]': 'size == 0 && Rm == 15',
      'VLD4.8 <all4>, [<base_all32>]!': 'size == 0 && Rm == 13',
      'VLD4.8 <all4>, [<base_all32>], <Rm>': 'size == 0',
      'VLD4.16 <all4>, [<base_all64>]': 'size == 1 && Rm == 15',
      'VLD4.16 <all4>, [<base_all64>]!': 'size == 1 && Rm == 13',
      'VLD4.16 <all4>, [<base_all64>], <Rm>': 'size == 1',
      'VLD4.32 <all4>, [<base_all64>]': 'size == 2 && Rm == 15',
      'VLD4.32 <all4>, [<base_all64>]!': 'size == 2 && Rm == 13',
      'VLD4.32 <all4>, [<base_all64>], <Rm>': 'size == 2',
      'VLD4.32 <all4>, [<base_all128>]': 'size == 3 && a == 1 && Rm == 15',
      'VLD4.32 <all4>, [<base_all128>]!': 'size == 3 && a == 1 && Rm == 13',
      'VLD4.32 <all4>, [<base_all128>], <Rm>': 'size == 3 && a == 1',
    },
    undefined: 'size == 3 && a == 0',
    unpredictable: 'Rn == 15 || D * 16 + Vd + 3 * T > 28',
  },
  VST1_multiple_A1: {
    section: 'A8.8.404',
    bits: '1111 0100 0 D 0 0 Rn:4 Vd:4 type:4 size:2 align:2 Rm:4',
    syntax: {
      'VST1.<n> <list1>, [<base64to256>]': 'Rm == 15',
      'VST1.<n> <list1>, [<base64to256>]!': 'Rm == 13',
      'VST1.<n> <list1>, [<base64to256>], <Rm>': '',
    },
    sizes: sizes8to64,
    see: {
      VST2_multiple_A1: 'type == 3 || type == 8 || type == 9',
      VST3_multiple_A1: 'type<3:1> == 2',
      VST4_multiple_A1: 'type<3:1> == 0',
    },
    undefined: 'type > 10 || type<2:1> == 3 && align<1> == 1 || type == 10 && align == 3',
    unpredictable:
      'Rn == 15 || type == 7 && D * 16 + Vd > 31 || type == 10 && D * 16 + Vd > 30 || type == 6 && D * 16 + Vd > 29 || type == 2 && D * 16 + Vd > 28',
  },
  VST2_multiple_A1: {
    section: 'A8.8.406',
    bits: '1111 0100 0 D 0 0 Rn:4 Vd:4 type:4 size:2 align:2 Rm:4',
    syntax: {
      'VST2.<n> <list2>, [<base64to256>]': 'Rm == 15',
      'VST2.<n> <list2>, [<base64to256>]!': 'Rm == 13',
      'VST2.<n> <list2>, [<base64to256>], <Rm>': '',
    },
    sizes: sizes8to32,
    see: { VST1_multiple_A1: 'type != 3 && type != 8 && type != 9' },
    undefined: 'size == 3 || type<3> == 1 && align == 3',
    unpredictable:
      'Rn == 15 || type == 8 && D * 16 + Vd > 30 || type == 9 && D * 16 + Vd > 29 || type == 3 && D * 16 + Vd > 28',
  },
  VST3_multiple_A1: {
    section: 'A8.8.408',
    bits: '1111 0100 0 D 0 0 Rn:4 Vd:4 010 inc size:2 align:2 Rm:4',
    syntax: {
      'VST3.<n> <list3>, [<base64>]': 'Rm == 15',
      'VST3.<n> <list3>, [<base64>]!': 'Rm == 13',
      'VST3.<n> <list3>, [<base64>], <Rm>': '',
    },
    sizes: sizes8to32,
    undefined: 'size == 3 || align<1> == 1',
    unpredictable: 'Rn == 15 || D * 16 + Vd + 2 * inc > 29',
  },
  VST4_multiple_A1: {
    section: 'A8.8.410',
    bits: '1111 0100 0 D 0 0 Rn:4 Vd:4 000 inc size:2 align:2 Rm:4',
    syntax: {
      'VST4.<n> <list4>, [<base64to256>]': 'Rm == 15',
      'VST4.<n> <list4>, [<base64to256>]!': 'Rm == 13',
      'VST4.<n> <list4>, [<base64to256>], <Rm>': '',
    },
    sizes: sizes8to32,
    undefined: 'size == 3',
    unpredictable: 'Rn == 15 || D * 16 + Vd + 3 * inc > 28',
  },
  VST1_lane_A1: {
    section: 'A8.8.405',
    bits: '1111 0100 1 D 0 0 Rn:4 Vd:4 size:2 00 index_align:4 Rm:4',
    syntax: {
      'VST1.<n> <lanes1x<n>>, [<base_lanes1x<n>>]': 'Rm == 15',
      'VST1.<n> <lanes1x<n>>, [<base_lanes1x<n>>]!': 'Rm == 13',
      'VST1.<n> <lanes1x<n>>, [<base_lanes1x<n>>], <Rm>': '',
    },
    sizes: sizes8to32,
    undefined:
      'size == 3 || size == 0 && index_align<0> == 1 || size == 1 && index_align<1> == 1 || size == 2 && (index_align<2> == 1 || index_align<1:0> == 1 || index_align<1:0> == 2)',
    unpredictable: 'Rn == 15',
  },
  VST2_lane_A1: {
    section: 'A8.8.407',
    bits: '1111 0100 1 D 0 0 Rn:4 Vd:4 size:2 01 index_align:4 Rm:4',
    syntax: {
      'VST2.<n> <lanes2x<n>>, [<base_lanes2x<n>>]': 'Rm == 15',
      'VST2.<n> <lanes2x<n>>, [<base_lanes2x<n>>]!': 'Rm == 13',
      'VST2.<n> <lanes2x<n>>, [<base_lanes2x<n>>], <Rm>': '',
    },
    sizes: sizes8to32,
    undefined: 'size == 3 || size == 2 && index_align<1> == 1',
    unpredictable:
      'Rn == 15 || D * 16 + Vd > 30 || (size == 1 && index_align<1> == 1 || size == 2 && index_align<2> == 1) && D * 16 + Vd > 29',
  },
  VST3_lane_A1: {
    section: 'A8.8.409',
    bits: '1111 0100 1 D 0 0 Rn:4 Vd:4 size:2 10 index_align:4 Rm:4',
    syntax: {
      'VST3.<n> <lanes3x<n>>, [<base_plain>]': 'Rm == 15',
      'VST3.<n> <lanes3x<n>>, [<base_plain>]!': 'Rm == 13',
      'VST3.<n> <lanes3x<n>>, [<base_plain>], <Rm>': '',
    },
    sizes: sizes8to32,
    undefined: 'size == 3 || size != 2 && index_align<0> == 1 || size == 2 && index_align<1:0> != 0',
    unpredictable:
      'Rn == 15 || D * 16 + Vd > 29 || (size == 1 && index_align<1> == 1 || size == 2 && index_align<2> == 1) && D * 16 + Vd > 27',
  },
  VST4_lane_A1: {
    section: 'A8.8.411',
    bits: '1111 0100 1 D 0 0 Rn:4 Vd:4 size:2 11 index_align:4 Rm:4',
    syntax: {
      'VST4.<n> <lanes4x<n>>, [<base_lanes4x<n>>]': 'Rm == 15',
      'VST4.<n> <lanes4x<n>>, [<base_lanes4x<n>>]!': 'Rm == 13',
      'VST4.<n> <lanes4x<n>>, [<base_lanes4x<n>>], <Rm>': '',
    },
    sizes: sizes8to32,
    undefined: 'size == 3 || size == 2 && index_align<1:0> == 3',
    unpredictable:
      'Rn == 15 || D * 16 + Vd > 28 || (size == 1 && index_align<1> == 1 || size == 2 && index_align<2> == 1) && D * 16 + Vd > 25',
  },
} as const satisfies Table;
