/**
 * Certificates that are renewed while a relay runs.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import type { Log } from "../host/log.ts";
import {
  type Certificate,
  type CertificateFiles,
  type ReadCertificate,
  readCertificate,
  timeFault,
} from "./certificate.ts";

/** How often it is looked whether files have changed, in milliseconds. */
const LOOK_MS = 1000;
/**
 * So often the files must be wrong in the same way until that is told: certificate and key are written
 * one after the other.
 */
const PATIENT_LOOKS = 3;

/** What a {@linkcode CertificateWatch} works with. */
export interface CertificateWatchOptions {
  readonly files: CertificateFiles;
  readonly log: Log;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: () => number;
  /** Called with a certificate that replaces the one before. */
  readonly onChange: (certificate: Certificate) => void;
}

/** Looks for changes of the files of a certificate, until it is stopped. */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  #current: ReadCertificate;
  #toldFault: string | undefined;
  #fault: string | undefined;
  #looks = 0;
  #isOutOfTime = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking: Promise<void> | undefined;
  #isStopped = false;

  /** `current` is what the files have been seen to hold. */
  constructor(current: ReadCertificate, options: CertificateWatchOptions) {
    this.#current = current;
    this.#options = options;
    this.#checkTime();
    this.#wait();
  }

  /** Looks no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().then(() => {
        if (!this.#isStopped) this.#wait();
      });
    }, LOOK_MS);
  }

  async #look(): Promise<void> {
    const { files, log, onChange } = this.#options;
    try {
      const read = await readCertificate(files);
      this.#fault = this.#toldFault = undefined;
      if (this.#isStopped) return;
      if (read.cert !== this.#current.cert || read.key !== this.#current.key) {
        onChange(read);
        this.#current = read;
        this.#isOutOfTime = false;
        log.info(`took up the certificate that is now in ${files.certFile}`);
      }
    } catch (error) {
      this.#failed(messageOf(error));
    }
    this.#checkTime();
  }

  #failed(why: string): void {
    this.#looks = why === this.#fault ? this.#looks + 1 : 1;
    this.#fault = why;
    if (this.#looks < PATIENT_LOOKS || why === this.#toldFault) return;
    this.#toldFault = why;
    this.#options.log.warn(`${why}; the certificate before stays in use`);
  }

  #checkTime(): void {
    const { files, log, wallMs } = this.#options;
    const fault = timeFault(this.#current, wallMs());
    if (fault !== undefined && !this.#isOutOfTime) {
      log.warn(`the certificate in ${files.certFile} ${fault}: clients will refuse it`);
    }
    this.#isOutOfTime = fault !== undefined;
  }
}
