import type { Table } from '../encoding.js';

/** The 16-bit encodings (A6.2). Flags are set outside of IT blocks, where the syntax has `{s}`. */
export const narrow = {
  LSL_imm_T1: {
    section: 'A8.8.94',
    bits: '00000 imm5:5 Rm:3 Rd:3',
    syntax: 'LSL{s}{c} <Rd>, <Rm>, #<imm5>',
    see: { MOV_reg_T2: 'imm5 == 0' },
  },
  LSR_imm_T1: {
    section: 'A8.8.96',
    bits: '00001 imm5:5 Rm:3 Rd:3',
    syntax: 'LSR{s}{c} <Rd>, <Rm>, #<imm5to32>',
  },
  ASR_imm_T1: {
    section: 'A8.8.16',
    bits: '00010 imm5:5 Rm:3 Rd:3',
    syntax: 'ASR{s}{c} <Rd>, <Rm>, #<imm5to32>',
  },
  MOV_reg_T2: {
    section: 'A8.8.103',
    bits: '0000000000 Rm:3 Rd:3',
    syntax: 'MOVS <Rd>, <Rm>',
    inIT: 'never',
  },
  ADD_reg_T1: {
    section: 'A8.8.6',
    bits: '0001100 Rm:3 Rn:3 Rd:3',
    syntax: 'ADD{s}{c} <Rd>, <Rn>, <Rm>',
  },
  ADD_imm_T1: {
    section: 'A8.8.4',
    bits: '0001110 imm3:3 Rn:3 Rd:3',
    syntax: 'ADD{s}{c} <Rd>, <Rn>, #<imm3>',
  },
  ADD_imm_T2: {
    section: 'A8.8.4',
    bits: '00110 Rdn:3 imm8:8',
    syntax: {
      'ADD{s}{c} <Rdn>, #<imm8>': '',
      'ADD{s}{c} <Rdn>, <Rdn_same>, #<imm8>': '',
    },
  },
  SUB_reg_T1: {
    section: 'A8.8.223',
    bits: '0001101 Rm:3 Rn:3 Rd:3',
    syntax: 'SUB{s}{c} <Rd>, <Rn>, <Rm>',
  },
  SUB_imm_T1: {
    section: 'A8.8.221',
    bits: '0001111 imm3:3 Rn:3 Rd:3',
    syntax: 'SUB{s}{c} <Rd>, <Rn>, #<imm3>',
  },
  SUB_imm_T2: {
    section: 'A8.8.221',
    bits: '00111 Rdn:3 imm8:8',
    syntax: {
      'SUB{s}{c} <Rdn>, #<imm8>': '',
      'SUB{s}{c} <Rdn>, <Rdn_same>, #<imm8>': '',
    },
  },
  MOV_imm_T1: {
    section: 'A8.8.102',
    bits: '00100 Rd:3 imm8:8',
    syntax: 'MOV{s}{c} <Rd>, #<imm8>',
  },
  CMP_imm_T1: {
    section: 'A8.8.37',
    bits: '00101 Rn:3 imm8:8',
    syntax: 'CMP{c} <Rn>, #<imm8>',
  },
  AND_reg_T1: {
    section: 'A8.8.14',
    bits: '0100000000 Rm:3 Rdn:3',
    syntax: {
      'AND{s}{c} <Rdn>, <Rm>': '',
      'AND{s}{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
  },
  EOR_reg_T1: {
    section: 'A8.8.47',
    bits: '0100000001 Rm:3 Rdn:3',
    syntax: {
      'EOR{s}{c} <Rdn>, <Rm>': '',
      'EOR{s}{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
  },
  LSL_reg_T1: {
    section: 'A8.8.95',
    bits: '0100000010 Rm:3 Rdn:3',
    syntax: {
      'LSL{s}{c} <Rdn>, <Rm>': '',
      'LSL{s}{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
  },
  LSR_reg_T1: {
    section: 'A8.8.97',
    bits: '0100000011 Rm:3 Rdn:3',
    syntax: {
      'LSR{s}{c} <Rdn>, <Rm>': '',
      'LSR{s}{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
  },
  ASR_reg_T1: {
    section: 'A8.8.17',
    bits: '0100000100 Rm:3 Rdn:3',
    syntax: {
      'ASR{s}{c} <Rdn>, <Rm>': '',
      'ASR{s}{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
  },
  ADC_reg_T1: {
    section: 'A8.8.2',
    bits: '0100000101 Rm:3 Rdn:3',
    syntax: {
      'ADC{s}{c} <Rdn>, <Rm>': '',
      'ADC{s}{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
  },
  SBC_reg_T1: {
    section: 'A8.8.162',
    bits: '0100000110 Rm:3 Rdn:3',
    syntax: {
      'SBC{s}{c} <Rdn>, <Rm>': '',
      'SBC{s}{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
  },
  ROR_reg_T1: {
    section: 'A8.8.150',
    bits: '0100000111 Rm:3 Rdn:3',
    syntax: {
      'ROR{s}{c} <Rdn>, <Rm>': '',
      'ROR{s}{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
  },
  TST_reg_T1: {
    section: 'A8.8.241',
    bits: '0100001000 Rm:3 Rn:3',
    syntax: 'TST{c} <Rn>, <Rm>',
  },
  CMP_reg_T1: {
    section: 'A8.8.38',
    bits: '0100001010 Rm:3 Rn:3',
    syntax: 'CMP{c} <Rn>, <Rm>',
  },
  CMN_reg_T1: {
    section: 'A8.8.35',
    bits: '0100001011 Rm:3 Rn:3',
    syntax: 'CMN{c} <Rn>, <Rm>',
  },
  ORR_reg_T1: {
    section: 'A8.8.123',
    bits: '0100001100 Rm:3 Rdn:3',
    syntax: {
      'ORR{s}{c} <Rdn>, <Rm>': '',
      'ORR{s}{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
  },
  BIC_reg_T1: {
    section: 'A8.8.22',
    bits: '0100001110 Rm:3 Rdn:3',
    syntax: {
      'BIC{s}{c} <Rdn>, <Rm>': '',
      'BIC{s}{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
  },
  MVN_reg_T1: {
    section: 'A8.8.116',
    bits: '0100001111 Rm:3 Rd:3',
    syntax: 'MVN{s}{c} <Rd>, <Rm>',
  },
  RSB_imm_T1: {
    section: 'A8.8.152',
    bits: '0100001001 Rn:3 Rd:3',
    syntax: {
      'RSB{s}{c} <Rd>, <Rn>, #<zero>': '',
      'NEG{s}{c} <Rd>, <Rn>': '',
    },
  },
  MUL_T1: {
    section: 'A8.8.114',
    bits: '0100001101 Rn:3 Rdm:3',
    syntax: 'MUL{s}{c} <Rdm>, <Rn>, <Rdm_same>',
  },
  ADD_reg_T2: {
    section: 'A8.8.6',
    bits: '01000100 Rdn<3> Rm:4 Rdn<2:0>',
    syntax: {
      'ADD{c} <Rdn>, <Rm>': '',
      'ADD{c} <Rdn>, <Rdn_same>, <Rm>': '',
    },
    unpredictable: 'Rdn == 15 && Rm == 15',
  },
  CMP_reg_T2: {
    section: 'A8.8.38',
    bits: '01000101 Rn<3> Rm:4 Rn<2:0>',
    syntax: 'CMP{c} <Rn>, <Rm>',
    unpredictable: '(Rn < 8 && Rm < 8) || Rn == 15 || Rm == 15',
  },
  MOV_reg_T1: {
    section: 'A8.8.103',
    bits: '01000110 Rd<3> Rm:4 Rd<2:0>',
    syntax: 'MOV{c} <Rd>, <Rm>',
  },
  BX_T1: {
    section: 'A8.8.27',
    bits: '010001110 Rm:4 (000)',
    syntax: 'BX{c} <Rm>',
    inIT: 'last',
  },
  BLX_reg_T1: {
    section: 'A8.8.26',
    bits: '010001111 Rm:4 (000)',
    syntax: 'BLX{c} <Rm>',
    inIT: 'last',
    unpredictable: 'Rm == 15',
  },
  LDR_lit_T1: {
    section: 'A8.8.64',
    bits: '01001 Rt:3 imm8:8',
    syntax: {
      'LDR{c} <Rt>, [PC, #<imm8x4>]': '',
      'LDR{c} <Rt>, <literal8u>': '',
    },
  },
  STR_reg_T1: {
    section: 'A8.8.205',
    bits: '0101000 Rm:3 Rn:3 Rt:3',
    syntax: 'STR{c} <Rt>, [<Rn>, <Rm>]',
  },
  STRH_reg_T1: {
    section: 'A8.8.218',
    bits: '0101001 Rm:3 Rn:3 Rt:3',
    syntax: 'STRH{c} <Rt>, [<Rn>, <Rm>]',
  },
  STRB_reg_T1: {
    section: 'A8.8.208',
    bits: '0101010 Rm:3 Rn:3 Rt:3',
    syntax: 'STRB{c} <Rt>, [<Rn>, <Rm>]',
  },
  LDRSB_reg_T1: {
    section: 'A8.8.86',
    bits: '0101011 Rm:3 Rn:3 Rt:3',
    syntax: 'LDRSB{c} <Rt>, [<Rn>, <Rm>]',
  },
  LDR_reg_T1: {
    section: 'A8.8.65',
    bits: '0101100 Rm:3 Rn:3 Rt:3',
    syntax: 'LDR{c} <Rt>, [<Rn>, <Rm>]',
  },
  LDRH_reg_T1: {
    section: 'A8.8.82',
    bits: '0101101 Rm:3 Rn:3 Rt:3',
    syntax: 'LDRH{c} <Rt>, [<Rn>, <Rm>]',
  },
  LDRB_reg_T1: {
    section: 'A8.8.70',
    bits: '0101110 Rm:3 Rn:3 Rt:3',
    syntax: 'LDRB{c} <Rt>, [<Rn>, <Rm>]',
  },
  LDRSH_reg_T1: {
    section: 'A8.8.90',
    bits: '0101111 Rm:3 Rn:3 Rt:3',
    syntax: 'LDRSH{c} <Rt>, [<Rn>, <Rm>]',
  },
  STR_imm_T1: {
    section: 'A8.8.203',
    bits: '01100 imm5:5 Rn:3 Rt:3',
    syntax: 'STR{c} <Rt>, [<Rn>{, #<imm5x4>}]',
  },
  LDR_imm_T1: {
    section: 'A8.8.62',
    bits: '01101 imm5:5 Rn:3 Rt:3',
    syntax: 'LDR{c} <Rt>, [<Rn>{, #<imm5x4>}]',
  },
  STRB_imm_T1: {
    section: 'A8.8.206',
    bits: '01110 imm5:5 Rn:3 Rt:3',
    syntax: 'STRB{c} <Rt>, [<Rn>{, #<imm5x1>}]',
  },
  LDRB_imm_T1: {
    section: 'A8.8.67',
    bits: '01111 imm5:5 Rn:3 Rt:3',
    syntax: 'LDRB{c} <Rt>, [<Rn>{, #<imm5x1>}]',
  },
  STRH_imm_T1: {
    section: 'A8.8.216',
    bits: '10000 imm5:5 Rn:3 Rt:3',
    syntax: 'STRH{c} <Rt>, [<Rn>{, #<imm5x2>}]',
  },
  LDRH_imm_T1: {
    section: 'A8.8.79',
    bits: '10001 imm5:5 Rn:3 Rt:3',
    syntax: 'LDRH{c} <Rt>, [<Rn>{, #<imm5x2>}]',
  },
  STR_imm_T2: {
    section: 'A8.8.203',
    bits: '10010 Rt:3 imm8:8',
    syntax: 'STR{c} <Rt>, [SP{, #<imm8x4>}]',
  },
  LDR_imm_T2: {
    section: 'A8.8.62',
    bits: '10011 Rt:3 imm8:8',
    syntax: 'LDR{c} <Rt>, [SP{, #<imm8x4>}]',
  },
  ADR_T1: {
    section: 'A8.8.12',
    bits: '10100 Rd:3 imm8:8',
    syntax: {
      'ADD{c} <Rd>, PC, #<imm8x4>': '',
      'ADR{c} <Rd>, <literal8u>': '',
    },
  },
  ADD_SP_imm_T1: {
    section: 'A8.8.9',
    bits: '10101 Rd:3 imm8:8',
    syntax: 'ADD{c} <Rd>, SP, #<imm8x4>',
  },
  ADD_SP_imm_T2: {
    section: 'A8.8.9',
    bits: '101100000 imm7:7',
    syntax: {
      'ADD{c} SP, #<imm7x4>': '',
      'ADD{c} SP, SP, #<imm7x4>': '',
    },
  },
  SUB_SP_imm_T1: {
    section: 'A8.8.225',
    bits: '101100001 imm7:7',
    syntax: {
      'SUB{c} SP, #<imm7x4>': '',
      'SUB{c} SP, SP, #<imm7x4>': '',
    },
  },
  CBZ_T1: {
    section: 'A8.8.29',
    bits: '10110 0 imm6:1 1 imm6:5 Rn:3',
    syntax: 'CBZ <Rn>, <cbz>',
    inIT: 'never',
  },
  CBNZ_T1: {
    section: 'A8.8.29',
    bits: '10111 0 imm6:1 1 imm6:5 Rn:3',
    syntax: 'CBNZ <Rn>, <cbz>',
    inIT: 'never',
  },
  SXTH_T1: {
    section: 'A8.8.235',
    bits: '1011001000 Rm:3 Rd:3',
    syntax: 'SXTH{c} <Rd>, <Rm>',
  },
  SXTB_T1: {
    section: 'A8.8.233',
    bits: '1011001001 Rm:3 Rd:3',
    syntax: 'SXTB{c} <Rd>, <Rm>',
  },
  UXTH_T1: {
    section: 'A8.8.276',
    bits: '1011001010 Rm:3 Rd:3',
    syntax: 'UXTH{c} <Rd>, <Rm>',
  },
  UXTB_T1: {
    section: 'A8.8.274',
    bits: '1011001011 Rm:3 Rd:3',
    syntax: 'UXTB{c} <Rd>, <Rm>',
  },
  PUSH_T1: {
    section: 'A8.8.133',
    bits: '1011010 registers<14> registers<7:0>',
    syntax: 'PUSH{c} <registers>',
    unpredictable: 'registers == 0',
  },
  POP_T1: {
    section: 'A8.8.131',
    bits: '1011110 registers<15> registers<7:0>',
    syntax: 'POP{c} <registers>',
    unpredictable: 'registers == 0',
  },
  SETEND_T1: {
    section: 'A8.8.167',
    bits: '10110110010 (1) E (000)',
    syntax: 'SETEND <endian>',
    inIT: 'never',
  },
  CPS_T1: {
    section: 'B9.3.1',
    bits: '10110110011 im (0) AIF:3',
    syntax: {
      'CPSIE <iflags>': 'im == 0',
      'CPSID <iflags>': 'im == 1',
    },
    inIT: 'never',
    unpredictable: 'AIF == 0',
  },
  REV_T1: {
    section: 'A8.8.145',
    bits: '1011101000 Rm:3 Rd:3',
    syntax: 'REV{c} <Rd>, <Rm>',
  },
  REV16_T1: {
    section: 'A8.8.146',
    bits: '1011101001 Rm:3 Rd:3',
    syntax: 'REV16{c} <Rd>, <Rm>',
  },
  REVSH_T1: {
    section: 'A8.8.147',
    bits: '1011101011 Rm:3 Rd:3',
    syntax: 'REVSH{c} <Rd>, <Rm>',
  },
  BKPT_T1: {
    section: 'A8.8.24',
    bits: '10111110 imm8:8',
    syntax: 'BKPT #<imm8>',
  },
  IT_T1: {
    section: 'A8.8.54',
    bits: '10111111 firstcond:4 mask:4',
    syntax: {
      'IT <firstcond>': 'mask == 8',
      'ITT <firstcond_t>': '(firstcond<0> == 0 && mask == 4) || (firstcond<0> == 1 && mask == 12)',
      'ITE <firstcond_e>': '(firstcond<0> == 0 && mask == 12) || (firstcond<0> == 1 && mask == 4)',
      'ITTT <firstcond_tt>': '(firstcond<0> == 0 && mask == 2) || (firstcond<0> == 1 && mask == 14)',
      'ITTE <firstcond_te>': '(firstcond<0> == 0 && mask == 6) || (firstcond<0> == 1 && mask == 10)',
      'ITET <firstcond_et>': '(firstcond<0> == 0 && mask == 10) || (firstcond<0> == 1 && mask == 6)',
      'ITEE <firstcond_ee>': '(firstcond<0> == 0 && mask == 14) || (firstcond<0> == 1 && mask == 2)',
      'ITTTT <firstcond_ttt>': '(firstcond<0> == 0 && mask == 1) || (firstcond<0> == 1 && mask == 15)',
      'ITTTE <firstcond_tte>': '(firstcond<0> == 0 && mask == 3) || (firstcond<0> == 1 && mask == 13)',
      'ITTET <firstcond_tet>': '(firstcond<0> == 0 && mask == 5) || (firstcond<0> == 1 && mask == 11)',
      'ITTEE <firstcond_tee>': '(firstcond<0> == 0 && mask == 7) || (firstcond<0> == 1 && mask == 9)',
      'ITETT <firstcond_ett>': '(firstcond<0> == 0 && mask == 9) || (firstcond<0> == 1 && mask == 7)',
      'ITETE <firstcond_ete>': '(firstcond<0> == 0 && mask == 11) || (firstcond<0> == 1 && mask == 5)',
      'ITEET <firstcond_eet>': '(firstcond<0> == 0 && mask == 13) || (firstcond<0> == 1 && mask == 3)',
      'ITEEE <firstcond_eee>': '(firstcond<0> == 0 && mask == 15) || (firstcond<0> == 1 && mask == 1)',
    },
    see: { NOP_T1: 'mask == 0' },
    inIT: 'never',
    unpredictable: 'firstcond == 15 || (firstcond == 14 && BitCount(mask) != 1)',
  },
  NOP_T1: {
    section: 'A8.8.119',
    bits: '1011111100000000',
    syntax: 'NOP{c}',
  },
  YIELD_T1: {
    section: 'A8.8.426',
    bits: '1011111100010000',
    syntax: 'YIELD{c}',
  },
  WFE_T1: {
    section: 'A8.8.424',
    bits: '1011111100100000',
    syntax: 'WFE{c}',
  },
  WFI_T1: {
    section: 'A8.8.425',
    bits: '1011111100110000',
    syntax: 'WFI{c}',
  },
  SEV_T1: {
    section: 'A8.8.168',
    bits: '1011111101000000',
    syntax: 'SEV{c}',
  },
  HINT_T1: {
    section: 'A6.2.5',
    bits: '10111111 hint:4 0000',
    syntax: 'NOP{c} <hint>',
    see: { NOP_T1: 'hint <= 4' },
  },
  STM_T1: {
    section: 'A8.8.199',
    bits: '11000 Rn:3 registers:8',
    syntax: 'STM{c} <Rn>!, <registers>',
    unpredictable: 'registers == 0',
  },
  LDM_T1: {
    section: 'A8.8.57',
    bits: '11001 Rn:3 registers:8',
    syntax: {
      'LDM{c} <Rn>, <registers>': 'registers<Rn> == 1',
      'LDM{c} <Rn>!, <registers>': 'registers<Rn> == 0',
    },
    unpredictable: 'registers == 0',
  },
  B_T1: {
    section: 'A8.8.18',
    bits: '1101 cond:4 imm8:8',
    syntax: 'B{c} <branch8>',
    see: { UDF_T1: 'cond == 14' },
    inIT: 'never',
  },
  UDF_T1: {
    section: 'A8.8.247',
    bits: '11011110 imm8:8',
    syntax: 'UDF #<imm8>',
  },
  SVC_T1: {
    section: 'A8.8.228',
    bits: '11011111 imm8:8',
    syntax: 'SVC{c} #<imm8>',
  },
  B_T2: {
    section: 'A8.8.18',
    bits: '11100 imm11:11',
    syntax: 'B{c} <branch11>',
    inIT: 'last',
  },
} as const satisfies Table;
