// @ts-check
import { startChild, tail } from './children.mjs';
import { Problem } from './problem.mjs';

const FETCHED = /npm http fetch GET 200 /;
const TARBALL = /npm http fetch GET 200 \S+\.tgz /;
const FROM_CACHE = /\(cache (hit|revalidated)/;
/** Only in npm's own words: an install script that looks for a ready-made binary, in vain, goes on without it. */
const UNREACHABLE =
	/^npm .*\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT)\b/m;
const FULL = /\bENOSPC\b/;

const noNetwork = (/** @type {string} */ what) =>
	new Problem(
		`${what} needs the npm registry, which cannot be reached: check the network (or npm's proxy and registry settings) and run the command again.`,
	);

/**
 * Runs npm to its end. Its output goes to the log; of what can go wrong, the usual is said in one sentence.
 *
 * @param {string[]} args
 * @param {{ what: string, cwd: string, log: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void, failed?: string }} options
 *   `what` begins the sentence ("Installing n8n"); `failed` replaces the sentence for an unusual failure
 */
export async function npm(args, { what, cwd, log, env = process.env, onLine, failed }) {
	/** @type {Problem | undefined} */
	let problem;
	let reached = false;

	const child = startChild('npm', 'npm', args, {
		cwd,
		env,
		log,
		// Half an install is thrown away in any case.
		graceMs: 3000,
		onLine: (line) => {
			onLine?.(line);
			if (FETCHED.test(line) && !FROM_CACHE.test(line)) reached = true;
			if (FULL.test(line)) {
				problem ??= new Problem(
					`${what} stopped because the disk is full: free some space and run the command again.`,
				);
			} else if (UNREACHABLE.test(line) && !reached) {
				// npm would try for minutes before it says so; one unlucky request after others went well is its own business.
				problem ??= noNetwork(what);
				void child.stop();
			}
		},
	});

	const { code, signal, error } = await child.ended;
	if (error) {
		throw new Problem(
			`${what} needs npm, which could not be started (${error.code}): install Node.js 20 or newer, which brings npm, and run the command again.`,
			{ cause: error },
		);
	}
	if (code === 0) return;
	if (problem) throw problem;
	const end = tail(log);
	if (UNREACHABLE.test(end)) throw noNetwork(what);
	throw new Problem(
		failed ??
			`${what} failed: npm ended with ${signal ?? `code ${code}`}, and its whole output is in ${log}.`,
		{ details: end },
	);
}

/**
 * Installs exactly what the lock file in the folder names, running no package's own scripts, and counts what has come.
 *
 * @param {{ what: string, cwd: string, log: string, args?: string[], total: number, note: (text: string) => void }} options
 */
export async function npmCi({ what, cwd, log, args = [], total, note }) {
	let fetched = 0;
	const shown = total.toLocaleString('en');
	await npm(
		[
			'ci',
			'--ignore-scripts',
			'--no-audit',
			'--no-fund',
			'--include=dev',
			'--include=optional',
			'--loglevel=http',
			...args,
		],
		{
			what,
			cwd,
			log,
			onLine: (line) => {
				if (!TARBALL.test(line)) return;
				fetched = Math.min(fetched + 1, total);
				note(`${fetched.toLocaleString('en')} of ${shown} packages`);
			},
		},
	);
	note(`${shown} packages`);
}
