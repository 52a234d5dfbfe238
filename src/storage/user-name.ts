import { systemUser } from '../programs/system-user.ts';

/** The name of a user id of this machine, for messages; the number itself when it has none. */
export async function userNameOf(uid: number): Promise<string> {
  return (await systemUser(uid))?.name ?? String(uid);
}
