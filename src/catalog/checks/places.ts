import { placeOf } from './values.ts';

/** Where the columns that formulas use stand among the values of a row. The names are those of AISC's table. */
export const W = placeOf('weight');
export const A = placeOf('area');
/** d; for rectangular HSS Ht, for round HSS and pipe OD. */
export const D = placeOf('depth');
export const IX = placeOf('ix');
export const SX = placeOf('sx');
export const ZX = placeOf('zx');
export const RX = placeOf('rx');
export const IY = placeOf('iy');
export const SY = placeOf('sy');
export const ZY = placeOf('zy');
export const IZ = placeOf('iz');
export const RZ = placeOf('rz');
export const HT = placeOf('overall_height');
export const B = placeOf('overall_width');
export const OD = placeOf('outside_diameter');
export const BF = placeOf('flange_width');
export const TF = placeOf('flange_thickness');
export const TW = placeOf('web_thickness');
/** Of angles: d and b are their legs. */
export const LEG = placeOf('leg_or_flat_width');
export const T = placeOf('leg_thickness');
export const TNOM = placeOf('wall_thickness_nominal');
export const TDES = placeOf('wall_thickness_design');
export const KDES = placeOf('k_design');
export const KDET = placeOf('k_detailing');
export const X = placeOf('centroid_x');
export const Y = placeOf('centroid_y');
export const EO = placeOf('shear_centre_offset');
export const J = placeOf('torsion_constant');
export const CW = placeOf('warping_constant');
export const HO = placeOf('flange_centroid_distance');
export const RO = placeOf('polar_radius');
export const IW = placeOf('iw');
export const ZA = placeOf('z_a');
export const ZB = placeOf('z_b');
export const ZC = placeOf('z_c');
export const WA = placeOf('w_a');
export const WB = placeOf('w_b');
export const WC = placeOf('w_c');
export const PB = placeOf('perimeter');
export const PD = placeOf('box_perimeter');
export const LEG_SLENDERNESS = placeOf('leg_slenderness');
export const TWDET = placeOf('web_thickness_detailing');
