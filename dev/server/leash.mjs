// @ts-check
// Preloaded (`node --import`) into every server that these scripts start. Its standard input is a pipe from the script: when
// that closes, the script is gone, however it went (a crash and `kill -9` included), and the server goes too. Without this,
// a killed script would leave servers behind that hold their ports.
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
	// What this process forks has another standard input and must not be ended by it.
	process.execArgv = [];
	process.stdin.on('close', () => process.kill(process.pid, 'SIGTERM'));
	process.stdin.resume();
	const pipe = /** @type {{ unref?: () => void }} */ (process.stdin);
	pipe.unref?.();
}
