import { describe, expect, it } from '@jest/globals';
import { parseUrlFile } from '../../src/config/url-file.ts';
import { testEnvironment } from '../support/environment.ts';
import { failureOf } from '../support/failure.ts';

const parse = (...lines: string[]) => parseUrlFile(lines.join('\n'), 'tenants.txt', testEnvironment({}));

describe('a list of databases', () => {
  it('has a URL, or name = URL, on each line, between blank lines and comments', async () => {
    const databases = await parse(
      '\uFEFF# all tenants\r',
      'acme = postgres://ann:a%20b=c@db.example.org/acme\r',
      '   ',
      '  # not yet: postgres://ann@db.example.org/none',
      'postgresql://ann@db.example.org/beta',
      'Größe=postgres://ann@db.example.org:6543/acme',
      'postgres://ann@[::1]:5433/acme?sslmode=disable',
      'postgres:///acme?host=/run/postgresql&user=ann',
    );
    expect(databases.map(({ name }) => name)).toEqual([
      'acme',
      'db.example.org/beta',
      'Größe',
      '[::1]:5433/acme',
      '/run/postgresql/acme',
    ]);
    expect(databases[0]!.connection).toMatchObject({
      ...{ host: 'db.example.org', port: 5432, database: 'acme', user: 'ann', password: 'a b=c' },
      source: 'line 2 of tenants.txt',
    });
  });

  it('tells every line that is none at once, and no password', async () => {
    const error = await failureOf(
      parse(
        'acme = postgres://ann@h/acme',
        'hunter2',
        'postgres://ann:hunter2@h:70000/d',
        'postgres://ann:hun/ter2@h/d',
        'postgres://ann:hunter2@h/d # the second',
        'postgres://ann:hunter2@h/two words',
        'postgres://ann:hunter2@h/d?sslmode=never',
        'two words = postgres://ann@h/d',
        'acme = postgres://ann@h/other',
        'again = postgres://somebody:hunter2@H:5432/acme',
      ),
    );
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(error.message).toBe('The list of databases in tenants.txt has 9 problems; nothing was begun.');
    expect(error.details).toEqual([
      'line 2: this is neither a URL nor name = URL.',
      'line 3: The port "70000" of the URL is not a number from 0 to 65535.',
      'line 4: the URL "postgres://ann:***@h/d" is not a connection string.',
      'line 5: this is neither a URL nor name = URL. A comment has a line of its own.',
      'line 6: this is neither a URL nor name = URL. A space in a URL is written %20.',
      'line 7: The sslmode "never" of the URL is unknown.',
      'line 8: this is neither a URL nor name = URL.',
      'lines 1 and 10: the same database, h/acme',
      'lines 1 and 9: the same name, acme',
    ]);
  });

  it('has at least one', async () => {
    expect(await failureOf(parse('# nobody', ''))).toMatchObject({
      code: 'USAGE',
      message: 'The list of databases in tenants.txt is empty.',
    });
  });
});
