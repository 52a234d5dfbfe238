// Health check of a container: exit 0 where the address answers with 2xx within four seconds.
const [address] = process.argv.slice(2);
const answer = await fetch(address, { signal: AbortSignal.timeout(4000) }).catch((error) => ({ ok: false, error }));
if (!answer.ok) process.stderr.write(`${address}: ${answer.error?.message ?? answer.status}\n`);
process.exit(answer.ok ? 0 : 1);
