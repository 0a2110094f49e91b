type Listener = ((event: Event) => void) | { handleEvent(event: Event): void };

interface Kept {
	listener: Listener;
	isOnce: boolean;
}

/** As far as the package and n8n use one: the one of Node.js does the same in twenty times the time. */
class SimulatedSignal {
	aborted = false;

	reason: unknown;

	private kept: Kept[] = [];

	/** As soon as one of them is aborted, the new one is. */
	static any(signals: SimulatedSignal[]): SimulatedSignal {
		const all = new SimulatedSignal();
		for (const signal of signals) {
			if (signal.aborted) all.abort(signal.reason);
			else signal.addEventListener('abort', () => all.abort(signal.reason));
		}
		return all;
	}

	static timeout(ms: number): SimulatedSignal {
		const signal = new SimulatedSignal();
		setTimeout(() => signal.abort(new Error('timed out')), ms);
		return signal;
	}

	addEventListener(type: string, listener: Listener, options?: { once?: boolean } | boolean): void {
		if (type !== 'abort' || this.kept.some((each) => each.listener === listener)) return;
		this.kept.push({ listener, isOnce: typeof options === 'object' && options.once === true });
	}

	removeEventListener(_type: string, listener: Listener): void {
		this.kept = this.kept.filter((each) => each.listener !== listener);
	}

	throwIfAborted(): void {
		if (this.aborted) throw this.reason;
	}

	abort(reason: unknown = new Error('This operation was aborted')): void {
		if (this.aborted) return;
		this.aborted = true;
		this.reason = reason;
		const kept = this.kept;
		this.kept = kept.filter(({ isOnce }) => !isOnce);
		const event = { type: 'abort', target: this } as unknown as Event;
		for (const { listener } of kept) {
			if (typeof listener === 'function') listener.call(this as never, event);
			else listener.handleEvent(event);
		}
	}
}

class SimulatedController {
	readonly signal = new SimulatedSignal();

	abort(reason?: unknown): void {
		this.signal.abort(reason);
	}
}

/** In place of the process's own. */
export function simulateSignals(): void {
	Object.assign(globalThis, {
		AbortController: SimulatedController,
		AbortSignal: SimulatedSignal,
	});
}
