import { expect } from '@playwright/test';
import type { Execution, Session } from '../../dev/server/session.mjs';

export function expectSuccess({ status, data }: Execution): void {
	const { error, lastNodeExecuted } = data.resultData;
	const reason = [error?.message, error?.description].filter(Boolean).join(' ');
	expect(
		status,
		`the execution ended at "${lastNodeExecuted}": ${reason || 'no reason given'}`,
	).toBe('success');
}

/** Waits until an execution has left the processes for the database. */
export async function expectAsleep(session: Session, execution: string): Promise<void> {
	const { status, data } = await session.executionEnd(execution, {
		until: (seen) => seen.status !== 'new' && seen.status !== 'running',
	});
	expect(status, data.resultData.error?.message ?? 'it sleeps in the database').toBe('waiting');
}
