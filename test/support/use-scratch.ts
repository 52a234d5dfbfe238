import { useTemporaryRoot } from '../../src/programs/own-directory.ts';

// Before each test file: what it runs in its own process, and the folders it makes, go where the program's go.
if (process.env.STRUCTDB_SCRATCH) await useTemporaryRoot(process.env.STRUCTDB_SCRATCH);
