import fs from 'node:fs';
import { scratchFolder } from '../../dev/server/cache.mjs';

/** The servers of a run are kept until the next one, so that a failure can be looked into. */
export default function clean(): void {
	fs.rmSync(scratchFolder, { recursive: true, force: true });
}
