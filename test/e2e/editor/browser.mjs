// @ts-check
import fs from 'node:fs';
import { Problem } from '../../../dev/server/problem.mjs';

const DEBIAN = '/usr/bin/chromium';

/** For what is tested, the browser needs nothing from outside; looking for it would only cost time. */
const QUIET = [
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-gpu',
	'--disable-quic',
	'--disable-sync',
	'--no-first-run',
];

/** @returns {Promise<import('playwright-core').Browser>} */
export async function launchChromium() {
	const executablePath = process.env.CHROMIUM_PATH ?? DEBIAN;
	if (!fs.existsSync(executablePath)) {
		throw new Problem(
			`The editor is tried in Chromium, and there is none at ${executablePath}: install it (on Debian or Ubuntu, \`apt-get install chromium\`), or name its program in the environment variable CHROMIUM_PATH.`,
		);
	}
	// Loaded here and not above: the development tree may just have been installed.
	const { chromium, selectors } = await import('playwright-core');
	selectors.setTestIdAttribute('data-test-id');
	return await chromium.launch({
		executablePath,
		// Chromium refuses to be root with its sandbox on, and in a container one usually is.
		args: [...QUIET, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
	});
}
