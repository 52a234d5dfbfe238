import type { AlterTableCmd, ColumnDef, Constraint } from 'libpg-query';
import { asKind } from '../../core/parse-sql.ts';
import { nameOf, type RelationName } from '../relation-name.ts';
import { defaultVolatility } from './default-volatility.ts';
import type { LockForm } from './lock-levels.ts';

/** A form of ALTER TABLE, and what it locks besides the table itself. */
export interface AlterForms {
  readonly forms: readonly LockForm[];
  readonly others: readonly { readonly relation: RelationName; readonly form: LockForm }[];
  /** The constraint whose foreign key, when it is one, locks the table it refers to. */
  readonly constraint?: { readonly name: string; readonly form: LockForm };
}

const SIMPLE: Readonly<Record<string, LockForm>> = {
  AT_DropColumn: 'drop column',
  AT_AlterColumnType: 'alter type',
  AT_ColumnDefault: 'set default',
  AT_SetNotNull: 'set not null',
  AT_DropNotNull: 'drop not null',
  AT_SetStatistics: 'set statistics',
  AT_SetOptions: 'set statistics',
  AT_ResetOptions: 'set statistics',
  AT_EnableTrig: 'switch trigger',
  AT_EnableAlwaysTrig: 'switch trigger',
  AT_EnableReplicaTrig: 'switch trigger',
  AT_EnableTrigAll: 'switch trigger',
  AT_EnableTrigUser: 'switch trigger',
  AT_DisableTrig: 'switch trigger',
  AT_DisableTrigAll: 'switch trigger',
  AT_DisableTrigUser: 'switch trigger',
  AT_ClusterOn: 'cluster on',
  AT_DropCluster: 'cluster on',
  AT_SetLogged: 'move or rewrite',
  AT_SetUnLogged: 'move or rewrite',
  AT_SetTableSpace: 'move or rewrite',
  AT_SetAccessMethod: 'move or rewrite',
  AT_SetExpression: 'move or rewrite',
  AT_SetRelOptions: 'storage parameters',
  AT_ResetRelOptions: 'storage parameters',
};

/** What one subcommand of ALTER TABLE takes. */
export function alterTableForms(command: AlterTableCmd): AlterForms {
  const none = { others: [] };
  const { subtype = '' } = command;
  const simple = SIMPLE[subtype];
  if (simple) return { forms: [simple], ...none };
  switch (subtype) {
    case 'AT_AddColumn':
      return addColumn(asKind(command.def, 'ColumnDef') ?? {});
    case 'AT_AddConstraint':
      return addConstraint(asKind(command.def, 'Constraint') ?? {});
    case 'AT_ValidateConstraint':
      return {
        forms: ['validate constraint'],
        ...none,
        constraint: { name: command.name ?? '', form: 'validate reference' },
      };
    case 'AT_DropConstraint':
      return {
        forms: ['drop constraint'],
        ...none,
        constraint: { name: command.name ?? '', form: 'drop a reference' },
      };
    case 'AT_AttachPartition':
      return {
        forms: ['attach partition'],
        others: [{ relation: nameOf(asKind(command.def, 'PartitionCmd')?.name), form: 'become a partition' }],
      };
    case 'AT_DetachPartition': {
      const { name, concurrent } = asKind(command.def, 'PartitionCmd') ?? {};
      return {
        forms: [concurrent ? 'detach partition concurrently' : 'detach partition'],
        others: [{ relation: nameOf(name), form: 'detach partition' }],
      };
    }
    default:
      return { forms: ['alter table'], ...none };
  }
}

function addColumn(column: ColumnDef): AlterForms {
  const constraints = (column.constraints ?? []).flatMap((node) => asKind(node, 'Constraint') ?? []);
  const forms: LockForm[] = ['add column'];
  const others: AlterForms['others'][number][] = [];
  const [type] = (column.typeName?.names ?? []).map((node) => asKind(node, 'String')?.sval ?? '').slice(-1);
  if (/^(small|big)?serial[248]?$/.test(type ?? '')) forms.push('add column, volatile default');
  for (const constraint of constraints) {
    switch (constraint.contype) {
      case 'CONSTR_DEFAULT':
        forms.push(`add column, ${defaultVolatility(constraint.raw_expr)} default`);
        break;
      case 'CONSTR_IDENTITY':
        forms.push('add column, generated');
        break;
      case 'CONSTR_GENERATED':
        // A virtual one (PostgreSQL 18) is computed when it is read.
        if (constraint.generated_kind !== 'v') forms.push('add column, generated');
        break;
      case 'CONSTR_CHECK':
        forms.push('add column, checked');
        break;
      case 'CONSTR_PRIMARY':
      case 'CONSTR_UNIQUE':
        forms.push('add unique');
        break;
      case 'CONSTR_FOREIGN':
        others.push({ relation: nameOf(constraint.pktable), form: 'references a table' });
        break;
      default:
    }
  }
  return { forms, others };
}

function addConstraint(constraint: Constraint): AlterForms {
  const notValid = constraint.skip_validation === true;
  switch (constraint.contype) {
    case 'CONSTR_FOREIGN': {
      const form = notValid ? 'add foreign key, not valid' : 'add foreign key';
      return {
        forms: [form],
        others: [{ relation: nameOf(constraint.pktable), form: notValid ? 'references a table' : form }],
      };
    }
    case 'CONSTR_CHECK':
    case 'CONSTR_NOTNULL':
      return { forms: [notValid ? 'add constraint, not valid' : 'add check'], others: [] };
    case 'CONSTR_PRIMARY':
      return { forms: [constraint.indexname ? 'add primary key using index' : 'add unique'], others: [] };
    case 'CONSTR_UNIQUE':
      return { forms: [constraint.indexname ? 'add constraint using index' : 'add unique'], others: [] };
    case 'CONSTR_EXCLUSION':
      return { forms: ['add unique'], others: [] };
    default:
      return { forms: ['alter table'], others: [] };
  }
}
