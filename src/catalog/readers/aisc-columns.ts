import type { NumberColumn } from '../rows.ts';

/** Where the value of a column goes: into a column of material_catalog, into `properties`, or nowhere. */
export type Target =
  | { readonly kind: 'number'; readonly column: NumberColumn }
  | { readonly kind: 'property'; readonly name: string }
  | { readonly kind: 'depth'; readonly name?: string }
  | { readonly kind: 'type' | 'designation' | 'label' | 'ignored' };

const number = (column: NumberColumn): Target => ({ kind: 'number', column });
const property = (name: string): Target => ({ kind: 'property', name });

/**
 * The columns of AISC's shapes database by their header, which is case-sensitive: h and H, b and B, t and T are six
 * different columns. `T_F` says which note of the Manual applies; it is the publisher's remark, not a property.
 */
const COLUMNS: ReadonlyMap<string, Target> = new Map<string, Target>([
  ['Type', { kind: 'type' }],
  ['EDI_Std_Nomenclature', { kind: 'designation' }],
  ['AISC_Manual_Label', { kind: 'label' }],
  ['T_F', { kind: 'ignored' }],
  ['W', number('weight')],
  ['A', number('area')],
  // One overall depth to search by: d, for rectangular HSS Ht, for round HSS and pipe OD.
  ['d', { kind: 'depth' }],
  ['Ht', { kind: 'depth', name: 'overall_height' }],
  ['OD', { kind: 'depth', name: 'outside_diameter' }],
  ['ddet', property('depth_detailing')],
  ['h', property('flat_height')],
  ['bf', property('flange_width')],
  ['bfdet', property('flange_width_detailing')],
  ['B', property('overall_width')],
  ['b', property('leg_or_flat_width')],
  ['ID', property('inside_diameter')],
  ['tw', property('web_thickness')],
  ['twdet', property('web_thickness_detailing')],
  ['twdet/2', property('half_web_thickness_detailing')],
  ['tf', property('flange_thickness')],
  ['tfdet', property('flange_thickness_detailing')],
  ['t', property('leg_thickness')],
  ['tnom', property('wall_thickness_nominal')],
  ['tdes', property('wall_thickness_design')],
  ['kdes', property('k_design')],
  ['kdet', property('k_detailing')],
  ['k1', property('k1_detailing')],
  ['x', property('centroid_x')],
  ['y', property('centroid_y')],
  ['eo', property('shear_centre_offset')],
  ['xp', property('plastic_axis_x')],
  ['yp', property('plastic_axis_y')],
  ['bf/2tf', property('flange_slenderness')],
  ['b/t', property('leg_slenderness')],
  ['b/tdes', property('wall_slenderness_width')],
  ['h/tw', property('web_slenderness')],
  ['h/tdes', property('wall_slenderness_height')],
  ['D/t', property('diameter_slenderness')],
  ['D/tdes', property('diameter_slenderness')],
  ['Ix', number('ix')],
  ['Zx', number('zx')],
  ['Sx', number('sx')],
  ['rx', number('rx')],
  ['Iy', number('iy')],
  ['Zy', number('zy')],
  ['Sy', number('sy')],
  ['ry', number('ry')],
  ['Iz', property('iz')],
  ['rz', property('rz')],
  ['Sz', property('sz')],
  ['J', property('torsion_constant')],
  ['Cw', property('warping_constant')],
  ['C', property('hss_torsion_constant')],
  ['Wno', property('warping_function')],
  ['Sw1', property('warping_moment_1')],
  ['Sw2', property('warping_moment_2')],
  ['Sw3', property('warping_moment_3')],
  ['Qf', property('statical_moment_flange')],
  ['Qw', property('statical_moment_web')],
  ['ro', property('polar_radius')],
  ['H', property('flexural_constant')],
  ['tan(α)', property('tan_alpha')],
  ['Qs', property('slender_reduction')],
  ['Iw', property('iw')],
  ['zA', property('z_a')],
  ['zB', property('z_b')],
  ['zC', property('z_c')],
  ['wA', property('w_a')],
  ['wB', property('w_b')],
  ['wC', property('w_c')],
  ['SwA', property('sw_a')],
  ['SwB', property('sw_b')],
  ['SwC', property('sw_c')],
  ['SzA', property('sz_a')],
  ['SzB', property('sz_b')],
  ['SzC', property('sz_c')],
  ['rts', property('effective_radius')],
  ['ho', property('flange_centroid_distance')],
  ['PA', property('perimeter_less_one_flange')],
  ['PA2', property('perimeter_less_long_leg')],
  ['PB', property('perimeter')],
  ['PC', property('box_perimeter_less_one_flange')],
  ['PD', property('box_perimeter')],
  ['T', property('web_flat')],
  ['WGi', property('gage_inner')],
  ['WGo', property('gage_outer')],
  ['WFD', property('workable_flat_depth')],
  ['WFW', property('workable_flat_width')],
]);

/** The target of a header, or undefined when AISC's table has no such column. */
export function aiscColumn(header: string): Target | undefined {
  // The Greek letter of tan(α) rarely survives an export: (a), (?), (_), or whatever the code page made of it.
  return COLUMNS.get(/^tan\([^)]{1,3}\)$/.test(header) ? 'tan(α)' : header);
}

/**
 * The powers of ten in which AISC prints metric values, by the name in the database: the workbook's Readme gives Ix in
 * 10⁶ mm⁴, Zx in 10³ mm³, J in 10³ mm⁴ and Cw in 10⁹ mm⁶. Every other column is in plain mm, mm² or kg/m.
 */
const METRIC_POWERS: ReadonlyMap<string, number> = new Map([
  ...['ix', 'iy', 'iz', 'iw', 'warping_moment_1', 'warping_moment_2', 'warping_moment_3'].map(powerOf(6)),
  ...['sx', 'sy', 'sz', 'zx', 'zy', 'sw_a', 'sw_b', 'sw_c', 'sz_a', 'sz_b', 'sz_c'].map(powerOf(3)),
  ...['hss_torsion_constant', 'statical_moment_flange', 'statical_moment_web', 'torsion_constant'].map(powerOf(3)),
  ...['warping_constant'].map(powerOf(9)),
]);

function powerOf(power: number): (name: string) => [string, number] {
  return (name) => [name, power];
}

/** What AISC's metric number of a column is to be multiplied with, as a power of ten: 6 for `ix`, 0 for `depth`. */
export function metricPower(name: string): number {
  return METRIC_POWERS.get(name) ?? 0;
}

/** AISC's symbols (`Zx`, `bf`) and the names that the database has for them. */
export function aiscSymbols(): ReadonlyMap<string, string> {
  return new Map(
    [...COLUMNS].flatMap(([symbol, target]) => {
      if (target.kind === 'number') return [[symbol, target.column]];
      if (target.kind === 'property') return [[symbol, target.name]];
      return target.kind === 'depth' ? [[symbol, target.name ?? 'depth']] : [];
    }),
  );
}

/** The properties that are numbers wherever they occur: those of AISC's tables, and the upper limits of grades. */
export const NUMERIC_PROPERTIES: readonly string[] = [
  ...new Set([...COLUMNS.values()].flatMap((target) => ('name' in target && target.name ? [target.name] : []))),
  ...['fy_max', 'fu_max', 'thickness_over', 'thickness_to'],
];
