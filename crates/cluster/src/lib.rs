//! A cluster in the plain words of an SRE.
