// @ts-check

/** How the editor's browser is started. Nothing is downloaded: it is the system's, or the one that CHROMIUM_PATH names. */
export const chromium = {
	executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
	// Chromium refuses to be root with its sandbox on, and in a container one usually is.
	chromiumSandbox: process.getuid?.() !== 0,
	// For what is tested, the browser needs nothing from outside; looking for it would only cost time.
	args: [
		'--disable-background-networking',
		'--disable-component-update',
		'--disable-gpu',
		'--disable-quic',
		'--disable-sync',
		'--no-first-run',
	],
};
