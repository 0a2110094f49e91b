import { readdirSync, readlinkSync } from 'node:fs';

/** Files of n8n's binary store that this process has open, where the system tells. */
export function openFiles(): string[] {
	if (process.platform !== 'linux') return [];
	return readdirSync('/proc/self/fd').flatMap((descriptor) => {
		try {
			const target = readlinkSync(`/proc/self/fd/${descriptor}`);
			return target.includes('/binary_data/') ? [target] : [];
		} catch {
			// It was closed meanwhile.
			return [];
		}
	});
}
