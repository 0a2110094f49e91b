const LOOK_MS = 20;

/** Long enough for a machine that has much else to do: only a test that fails waits for its end. */
const PATIENCE_MS = 120_000;

export const passed = async (milliseconds: number): Promise<void> =>
	await new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Waits until something holds, however busy the machine is.
 * @param event names it in the error of a test that waits in vain
 */
export async function until(
	holds: () => boolean | Promise<boolean>,
	event = 'something happens that does not',
): Promise<void> {
	for (const deadline = Date.now() + PATIENCE_MS; !(await holds()); await passed(LOOK_MS)) {
		if (Date.now() > deadline) throw new Error(`Waited in vain until ${event}`);
	}
}
