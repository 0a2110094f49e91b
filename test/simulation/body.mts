type Listener = (given?: unknown) => void;

/**
 * The body of an answer as a stream, as far as the package reads one: all its bytes come at once. A `Readable` does the same
 * in twenty times the time.
 */
export class Body {
	destroyed = false;

	private readonly listeners: Array<{ event: string; listener: Listener }> = [];

	private readonly bytes: Buffer;

	constructor(content: unknown) {
		this.bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
	}

	on(event: string, listener: Listener): this {
		this.listeners.push({ event, listener });
		if (event === 'data') queueMicrotask(() => this.flow());
		return this;
	}

	once(event: string, listener: Listener): this {
		return this.on(event, listener);
	}

	destroy(): this {
		this.destroyed = true;
		return this;
	}

	private flow(): void {
		this.emit('data', this.bytes);
		if (!this.destroyed) this.emit('end');
	}

	private emit(event: string, given?: unknown): void {
		for (const each of this.listeners) if (each.event === event) each.listener(given);
	}
}
